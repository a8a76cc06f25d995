-- What each of some sessions holds and wants, at most %(locks_max)s of each: what it waits for first, then the strongest.
-- Everybody may ask. Locks of indexes are left out, and those that every reader has of the server's own tables.
SELECT
    k.session_id,
    k.object,
    k.mode,
    k.is_granted,
    k.waited_ms
FROM (
    SELECT
        l.pid AS session_id,
        CASE l.locktype
            WHEN 'relation' THEN coalesce('table ' || c.oid::regclass, 'a table of another database')
            WHEN 'tuple' THEN 'row (' || l.page || ',' || l.tuple || ') of ' || coalesce(c.oid::regclass::text, 'a table')
            WHEN 'transactionid' THEN 'what transaction ' || l.transactionid || ' changed'
            WHEN 'advisory' THEN 'advisory lock ' || CASE l.objsubid
                WHEN 1 THEN ((l.classid::bigint << 32) | l.objid::bigint)::text
                ELSE '(' || l.classid::bigint::int4 || ', ' || l.objid::bigint::int4 || ')'
            END
            WHEN 'virtualxid' THEN 'all transactions before, of which ' || l.virtualxid
            ELSE l.locktype || coalesce(' of ' || c.oid::regclass, '')
        END AS object,
        l.mode::text AS mode,
        l.granted AS is_granted,
        CASE WHEN NOT l.granted
            THEN greatest(extract(EPOCH FROM clock_timestamp() - coalesce(l.waitstart, clock_timestamp())) * 1000, 0)::bigint
        END AS waited_ms,
        row_number() OVER (
            PARTITION BY l.pid, l.granted
            ORDER BY
                (c.oid IS NULL),
                array_position(
                    ARRAY[
                        'AccessExclusiveLock', 'ExclusiveLock', 'ShareRowExclusiveLock', 'ShareLock',
                        'ShareUpdateExclusiveLock', 'RowExclusiveLock', 'RowShareLock', 'AccessShareLock'
                    ],
                    l.mode::text
                ),
                c.oid::regclass::text,
                l.locktype
        ) AS place
    FROM pg_locks AS l
    LEFT JOIN pg_class AS c ON c.oid = l.relation AND l.database IN (0, (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()))
    WHERE
        l.pid = ANY (string_to_array(%(session_ids)s, ',')::int[])
        AND NOT (l.locktype = 'virtualxid' AND l.granted)
        AND NOT (l.locktype = 'transactionid' AND l.granted)
        AND NOT (
            l.granted
            AND l.locktype = 'relation'
            AND (c.relkind IN ('i', 'I') OR (c.relnamespace = 'pg_catalog'::regnamespace AND l.mode = 'AccessShareLock'))
        )
) AS k
WHERE k.place <= %(locks_max)s
ORDER BY k.session_id, k.is_granted, k.place
