-- What this session's role is called in a GRANT.
SELECT quote_ident(current_user) AS grantee
