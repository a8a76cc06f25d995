-- Damaged pages that were met in each database since the statistics began; not known where checksums are off.
SELECT
    coalesce(d.datname, 'shared tables')::text AS subject,
    CASE WHEN current_setting('data_checksums') = 'on' THEN coalesce(d.checksum_failures, 0) END AS value,
    NULL::bigint AS allowed,
    CASE WHEN current_setting('data_checksums') = 'on' THEN coalesce('last at ' || d.checksum_last_failure::timestamp(0), '')
        ELSE 'data checksums are off: damage is not seen'
    END AS detail
FROM pg_stat_database AS d
WHERE d.datname IS NULL OR d.datname NOT LIKE 'template_'
ORDER BY value DESC NULLS FIRST, subject
LIMIT 20
