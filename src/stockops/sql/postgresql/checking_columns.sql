-- The columns of every table and view of the schema, in order; `to_plain` takes a domain, and its rules, off a column,
-- and makes a text of JSON.
SELECT
    table_name::text AS table_name,
    column_name::text AS column_name,
    CASE WHEN data_type = 'jsonb' THEN '::text' WHEN domain_name IS NULL THEN '' ELSE '::' || data_type END AS to_plain
FROM information_schema.columns
WHERE table_schema = current_schema()
ORDER BY table_name, ordinal_position
