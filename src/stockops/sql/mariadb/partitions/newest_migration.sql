-- The newest versioned migration that is applied; nothing in it before the first.
SELECT max(m.migration) AS migration
FROM stockops_migrations AS m
WHERE m.kind = 'versioned' AND m.state = 'applied'
