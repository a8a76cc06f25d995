-- Nobody has less than nothing: what is reserved never exceeds what is there, in cash, shares and inventory.
WITH wrong AS (
    SELECT concat_ws(' ', 'account', account_id) AS owner, cash_won AS there, reserved_won AS reserved
    FROM accounts
    WHERE reserved_won < 0 OR reserved_won > cash_won
    UNION ALL
    SELECT concat_ws(' ', 'account', account_id, 'position', symbol), quantity, reserved_quantity
    FROM positions
    WHERE reserved_quantity < 0 OR reserved_quantity > quantity
    UNION ALL
    SELECT concat_ws(' ', 'inventory', symbol), available_shares, 0
    FROM stock_inventory
    WHERE available_shares < 0
),
shown AS (
    SELECT
        row_number() OVER (ORDER BY owner) AS place_no,
        count(*) OVER () AS violations,
        owner AS entity,
        '0 <= reserved <= there' AS expected,
        concat_ws(' ', reserved, 'reserved of', there) AS found
    FROM wrong
    ORDER BY place_no
    LIMIT 20
),
looked AS (
    SELECT (SELECT count(*) FROM accounts) + (SELECT count(*) FROM positions) + (SELECT count(*) FROM stock_inventory) AS looked_at
)
SELECT l.looked_at, coalesce(s.violations, 0) AS violations, s.entity, s.expected, s.found
FROM looked AS l
LEFT JOIN shown AS s ON 1 = 1
ORDER BY s.place_no
