-- Writes down how a run ended.
UPDATE public.stockops_migrations
SET state = %(state)s, ms = %(ms)s
WHERE id = %(run_id)s
