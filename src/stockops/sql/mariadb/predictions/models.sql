-- Which models are known.
-- Needs: SELECT on models.
SELECT m.model_version, m.status
FROM models AS m
ORDER BY m.model_version
