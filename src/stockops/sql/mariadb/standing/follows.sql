-- Whether this server takes writes; whom it is set to follow, only SHOW ALL SLAVES STATUS says.
SELECT
    '' AS primary_address,
    @@GLOBAL.read_only IN ('0', 'OFF') AS takes_writes
