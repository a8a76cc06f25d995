-- Writes the audit row of a settled date.
INSERT INTO audit_log (audit_id, business_date, action, entity, entity_id, detail)
VALUES (nextval('event_ids'), %(day)s::date, 'settle', 'settlement', %(name)s, %(detail)s)
