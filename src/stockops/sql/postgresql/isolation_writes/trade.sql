-- A trade with the house.
INSERT INTO trades (trade_id, symbol, buy_order_id, sell_order_id, taker_side, price_won, quantity, buy_fee_won, sell_fee_won, sell_tax_won,
    business_date, settles_on, traded_at)
VALUES (%(trade_id)s, %(symbol)s, %(buy_order_id)s, %(sell_order_id)s, %(side)s, %(price_won)s, %(quantity)s, %(buy_fee_won)s, %(sell_fee_won)s,
    %(tax_won)s, %(on)s, %(settles_on)s, %(at)s)
