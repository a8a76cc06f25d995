-- Whole months after this one for which a table has partitions, where one more is open, up to MAXVALUE or DEFAULT; none once rows are in that.
-- How many there are is the server's estimate, and nothing is read. One that nobody has counted counts as filled if its file is not empty.
SELECT
    t.subject,
    CASE WHEN t.open_rows > 0 THEN least(t.months, 0) ELSE t.months END AS value,
    NULL::bigint AS allowed,
    concat(
        'the last with an end ends on ', t.until,
        CASE WHEN t.open_rows > 0 THEN concat(', and about ', t.open_rows, ' rows are in ', t.open_name) END
    ) AS detail
FROM (
    SELECT
        p.subject,
        max(p.ends_on) AS until,
        12 * (extract(YEAR FROM max(p.ends_on)) - extract(YEAR FROM current_date))::int
        + (extract(MONTH FROM max(p.ends_on)) - extract(MONTH FROM current_date))::int - 1 AS months,
        sum(
            CASE
                WHEN NOT p.is_open THEN 0
                WHEN pg_stat_get_tuples_inserted(p.part) + pg_stat_get_tuples_deleted(p.part) > 0 THEN pg_stat_get_live_tuples(p.part)
                WHEN p.reltuples >= 0 THEN p.reltuples::bigint
                ELSE sign(pg_relation_size(p.part))::int
            END
        )::bigint AS open_rows,
        max(p.part::regclass::text) FILTER (WHERE p.is_open) AS open_name
    FROM (
        SELECT
            t.partrelid::regclass::text AS subject,
            c.oid AS part,
            c.reltuples,
            substring(b.bound FROM 'TO \(''(\d{4}-\d\d-\d\d)')::date AS ends_on,
            b.bound = 'DEFAULT' OR b.bound LIKE '%%TO (MAXVALUE%%' AS is_open
        FROM pg_partitioned_table AS t
        INNER JOIN pg_inherits AS i ON i.inhparent = t.partrelid
        INNER JOIN pg_class AS c ON c.oid = i.inhrelid
        CROSS JOIN LATERAL (SELECT pg_get_expr(c.relpartbound, c.oid) AS bound) AS b
        WHERE t.partstrat = 'r'
    ) AS p
    GROUP BY p.subject
    HAVING bool_or(p.is_open) AND max(p.ends_on) IS NOT NULL
) AS t
ORDER BY value, t.subject
LIMIT 20
