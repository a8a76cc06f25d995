-- The logical content of all of stock_inventory, one line of the answer for each symbol: the same text on both engines.
-- Needs: SELECT on stock_inventory.
SELECT
    string_agg(concat_ws(
        '|', t.symbol, t.available_shares, t.last_won, t.quote_date, t.base_won, t.lower_won, t.upper_won,
            t.settles_on, t.sell_tax_rate
    ), E'\n' ORDER BY t.symbol) AS block,
    count(*) AS line_count
FROM stock_inventory AS t
GROUP BY t.symbol
ORDER BY t.symbol
