-- Say in the audit trail that a user was erased, by number alone. Needs: INSERT on audit_log, USAGE on event_ids.
INSERT INTO audit_log (audit_id, business_date, user_id, action, entity, entity_id, detail)
VALUES (nextval('event_ids'), %(on)s, %(user_id)s, 'erase', 'user', %(user_id)s::text, %(detail)s)
