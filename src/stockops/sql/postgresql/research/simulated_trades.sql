-- The positions of a simulation, by issue and date. Needs: SELECT on simulation_trades.
SELECT
    t.trade_no AS trade_no,
    t.symbol AS symbol,
    t.buy_signal_on AS buy_signal_on,
    t.bought_on AS bought_on,
    t.buy_won AS buy_won,
    t.quantity AS quantity,
    t.sell_signal_on AS sell_signal_on,
    t.sold_on AS sold_on,
    t.sell_won AS sell_won,
    t.reason AS reason,
    t.fees_won AS fees_won,
    t.tax_won AS tax_won,
    t.profit_won AS profit_won
FROM simulation_trades AS t
WHERE t.simulation_id = %(simulation_id)s
ORDER BY t.trade_no
