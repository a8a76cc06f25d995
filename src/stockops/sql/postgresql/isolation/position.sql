-- What an account holds of an issue; no row where it never held any.
-- Needs: SELECT on positions.
SELECT
    p.quantity AS quantity,
    p.reserved_quantity AS reserved_quantity,
    p.cost_won AS cost_won
FROM positions AS p
WHERE p.account_id = %(account_id)s AND p.symbol = %(symbol)s
