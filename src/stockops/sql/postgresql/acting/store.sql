-- Writes down an action.
INSERT INTO corporate_actions (
    action_id, symbol, kind, effective_date, new_shares, old_shares, price_won, old_name, new_name, last_won, base_won,
    listed_before, listed_after, holders, paid_won, orders_cancelled, applied_at
)
VALUES (
    %(action_id)s, %(symbol)s, %(kind)s, %(on)s, %(new)s, %(old)s, %(price_won)s, %(old_name)s, %(new_name)s, %(last_won)s, %(base_won)s,
    %(before)s, %(after)s, %(holders)s, %(paid_won)s, %(orders)s, %(at)s
)
