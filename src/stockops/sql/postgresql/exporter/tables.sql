-- The counters of the largest tables of this database, and those of all others as one sum.
-- Large by what the planner believes (relpages): asking for the true size waits for locks.
-- A small one is shown where there is a place for every table.
WITH placed AS (
  SELECT t.*, i.heap_blks_read, i.heap_blks_hit, i.idx_blks_read, i.idx_blks_hit,
         i.toast_blks_read, i.toast_blks_hit, i.tidx_blks_read, i.tidx_blks_hit,
         c.relpages,
         row_number() OVER (ORDER BY c.relpages DESC, c.oid) AS place,
         count(*) OVER () AS tables
    FROM pg_stat_user_tables AS t
    JOIN pg_statio_user_tables AS i USING (relid)
    JOIN pg_class AS c ON c.oid = t.relid
), ranked AS (
  SELECT p.*, p.place <= %(tables_max)s
              AND (p.relpages >= %(pages_min)s OR p.tables <= %(tables_max)s) AS is_shown
    FROM placed AS p
)
SELECT json_build_object(
         'database', current_database(),
         'tables', coalesce((SELECT json_agg(row_to_json(r)) FROM ranked AS r
                              WHERE r.is_shown), '[]'),
         'others', (SELECT json_build_object(
                      'tables', count(*),
                      'seq_scan', sum(r.seq_scan),
                      'seq_tup_read', sum(r.seq_tup_read),
                      'idx_scan', sum(r.idx_scan),
                      'idx_tup_fetch', sum(r.idx_tup_fetch),
                      'n_tup_ins', sum(r.n_tup_ins),
                      'n_tup_upd', sum(r.n_tup_upd),
                      'n_tup_del', sum(r.n_tup_del),
                      'n_tup_hot_upd', sum(r.n_tup_hot_upd),
                      'n_live_tup', sum(r.n_live_tup),
                      'n_dead_tup', sum(r.n_dead_tup))
                      FROM ranked AS r
                     WHERE NOT r.is_shown)
       )::text AS stockops_document
 ORDER BY 1
