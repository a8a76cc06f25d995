-- How full the leaves of one B-tree are, in percent, as pgstattuple finds it by reading the index whole.
SELECT avg_leaf_density::int AS leaf_percent
FROM pgstatindex(%(index)s::text)
ORDER BY leaf_percent
