-- The audit row of what was done to an order.
INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
VALUES (%(audit_id)s, %(on)s, %(user_id)s, %(action)s, 'order', %(order_id)s, %(detail)s)
