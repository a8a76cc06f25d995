-- Settings a migration runs under, whatever the server or the account has set.
-- Routines and triggers keep the sql_mode and the collation they were made under.
SET NAMES utf8mb4 COLLATE utf8mb4_nopad_bin;
SET SESSION sql_mode = 'TRADITIONAL,NO_ENGINE_SUBSTITUTION,ONLY_FULL_GROUP_BY';
SET SESSION time_zone = '+00:00';
SET SESSION foreign_key_checks = 1;
SET SESSION unique_checks = 1;
SET SESSION check_constraint_checks = 1;
SET SESSION default_storage_engine = 'InnoDB';
SET SESSION max_statement_time = 0;
SET SESSION autocommit = 1;
