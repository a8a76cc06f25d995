-- New entries of corporate actions, and those of the journals that lines of actions name.
SELECT n.* FROM new_journal_entries AS n WHERE n.kind = 'action'
UNION
SELECT j.*
FROM journal_entries AS j
WHERE j.journal_id = ANY (ARRAY(SELECT l.journal_id FROM corporate_action_lines AS l))
