-- New entries of corporate actions, and those of the journals that lines of actions name.
SELECT n.* FROM new_journal_entries AS n WHERE n.kind = 'action'
UNION
SELECT j.*
FROM corporate_action_lines AS l
STRAIGHT_JOIN journal_entries AS j ON j.journal_id = l.journal_id
