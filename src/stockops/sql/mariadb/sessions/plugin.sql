-- Whether the plugin is there that names the holders of tables' locks, however the instruments are set.
SELECT p.plugin_name AS name
FROM information_schema.plugins AS p
WHERE p.plugin_name = 'METADATA_LOCK_INFO' AND p.plugin_status = 'ACTIVE'
ORDER BY p.plugin_name
