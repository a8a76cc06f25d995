-- Every setting, as a session of this role in this database starts with it: what a session has set for itself, as this
-- tool does with its timeouts, says nothing of others. Without pg_read_all_settings some are not in the answer.
SELECT
    s.name AS name,
    s.reset_val AS value,
    s.unit AS unit,
    s.vartype AS vartype,
    s.context AS context,
    s.source AS source,
    s.enumvals AS choices,
    s.context <> 'internal' AS is_option
FROM pg_settings AS s
ORDER BY s.name
