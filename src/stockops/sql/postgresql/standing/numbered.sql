-- How far each sequence has come, of its end or that of the column it numbers, whichever is nearer. Needs SELECT on the sequence.
SELECT
    format('%%I.%%I', s.schemaname, s.sequencename) AS subject,
    CASE WHEN has_sequence_privilege(format('%%I.%%I', s.schemaname, s.sequencename), 'USAGE, SELECT') THEN coalesce(s.last_value, 0)::float8 END
    AS value,
    least(
        s.max_value::float8,
        min(CASE t.typname WHEN 'int2' THEN 32767 WHEN 'int4' THEN 2147483647 ELSE 9223372036854775807 END::float8)
    ) AS allowed,
    CASE WHEN has_sequence_privilege(format('%%I.%%I', s.schemaname, s.sequencename), 'USAGE, SELECT')
        THEN coalesce('for ' || min(d.refobjid::regclass || '.' || a.attname), '')
        ELSE 'the role may not read it: GRANT SELECT ON SEQUENCE ' || format('%%I.%%I', s.schemaname, s.sequencename)
    END AS detail
FROM pg_sequences AS s
LEFT JOIN pg_depend AS d
    ON d.objid = format('%%I.%%I', s.schemaname, s.sequencename)::regclass AND d.classid = 'pg_class'::regclass
    AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
LEFT JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
LEFT JOIN pg_type AS t ON t.oid = a.atttypid
WHERE s.increment_by > 0 AND NOT s.cycle
GROUP BY s.schemaname, s.sequencename, s.last_value, s.max_value
ORDER BY coalesce(s.last_value, 0) / s.max_value::numeric DESC, subject
LIMIT 20
