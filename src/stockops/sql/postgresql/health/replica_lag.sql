-- Seconds that this standby is behind: none where all that has come is replayed and more may come at any moment. A receiver that
-- is gone, or has heard nothing for a minute, is behind by the age of what was replayed last.
SELECT
    '' AS subject,
    CASE
        WHEN w.status = 'streaming' AND pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()
            AND w.last_msg_receipt_time > clock_timestamp() - interval '1 minute' THEN 0
        ELSE extract(EPOCH FROM clock_timestamp() - pg_last_xact_replay_timestamp())
    END AS value,
    NULL::bigint AS allowed,
    coalesce('the receiver is ' || w.status, 'there is no receiver') AS detail
FROM (SELECT pg_is_in_recovery() AS is_standby) AS s
LEFT JOIN pg_stat_wal_receiver AS w ON true
WHERE s.is_standby
ORDER BY w.pid
