-- Lines of corporate actions whose journals are new.
SELECT l.*
FROM (SELECT DISTINCT n.journal_id FROM new_journal_entries AS n WHERE n.kind = 'action') AS j
JOIN corporate_action_lines AS l ON l.journal_id = j.journal_id
