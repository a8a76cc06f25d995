-- Writes down that a date is settled, with what its trades come to, and from which trade on the next date has to look.
INSERT INTO settlement_days (settles_on, trades, value_won, fees_won, taxes_won, open_from_id)
SELECT
    %(day)s::date,
    coalesce(sum(CASE WHEN t.settles_on <= %(day)s THEN 1 ELSE 0 END), 0),
    coalesce(sum(CASE WHEN t.settles_on <= %(day)s THEN t.value_won ELSE 0 END), 0),
    coalesce(sum(CASE WHEN t.settles_on <= %(day)s THEN t.buy_fee_won + t.sell_fee_won ELSE 0 END), 0),
    coalesce(sum(CASE WHEN t.settles_on <= %(day)s THEN t.sell_tax_won ELSE 0 END), 0),
    coalesce(min(CASE WHEN t.settles_on > %(day)s THEN t.trade_id END), max(t.trade_id), %(from_id)s)
FROM trades AS t
WHERE t.trade_id >= %(from_id)s AND t.settles_on > %(after)s
