-- What this session's account is called in a GRANT.
SELECT concat(quote(substring_index(current_user(), '@', 1)), '@', quote(substring_index(current_user(), '@', -1))) AS grantee
