-- What brokers charge, and since when; a broker without a rate has NULL. Needs: SELECT on brokers, fee_schedules.
SELECT
    b.code AS code,
    f.valid_from AS valid_from,
    f.commission_rate AS commission_rate
FROM brokers AS b
LEFT JOIN fee_schedules AS f ON f.broker_id = b.broker_id
ORDER BY b.code, f.valid_from
