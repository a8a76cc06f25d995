-- Writes the audit row of an action.
INSERT INTO audit_log (audit_id, business_date, action, entity, entity_id, detail)
VALUES (%(action_id)s, %(on)s, %(kind)s, 'stock', %(symbol)s, %(detail)s)
