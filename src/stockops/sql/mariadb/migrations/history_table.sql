-- Makes the table that remembers every run of a migration, and the journal of statements.
CREATE TABLE IF NOT EXISTS stockops_migrations (
    id bigint NOT NULL AUTO_INCREMENT COMMENT 'Number of the run',
    migration varchar(200) NOT NULL COMMENT 'V and the version, or R__ and the name',
    description varchar(200) NOT NULL COMMENT 'The words in the name of the file',
    kind varchar(10) NOT NULL COMMENT 'versioned: applied once; repeatable: applied again when its text changes',
    state varchar(10) NOT NULL COMMENT 'applying (running, or stopped half way), applied, or failed with nothing left of it',
    installed_at datetime(6) NOT NULL COMMENT 'When the run began, UTC',
    installed_by varchar(200) NOT NULL COMMENT 'Database user',
    host varchar(255) NOT NULL COMMENT 'Machine that ran it',
    os_user varchar(200) NOT NULL COMMENT 'User of that machine',
    tool_version varchar(40) NOT NULL COMMENT 'Version of stockops',
    ms bigint NULL COMMENT 'How long all of it took, in milliseconds; NULL until it is applied',
    checksum_algorithm varchar(40) NOT NULL COMMENT 'How checksum is computed from content',
    checksum varchar(64) NOT NULL COMMENT 'Checksum of content, in hex',
    content longtext NOT NULL COMMENT 'The text that was run, in canonical form',
    PRIMARY KEY (id),
    KEY stockops_migrations_migration_ix (migration),
    CONSTRAINT stockops_migrations_kind_ck CHECK (kind IN ('versioned', 'repeatable')),
    CONSTRAINT stockops_migrations_state_ck CHECK (state IN ('applying', 'applied', 'failed'))
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin
COMMENT 'Every run of a migration, in order; the newest row of a migration says where it stands';
CREATE TABLE IF NOT EXISTS stockops_migration_steps (
    run_id bigint NOT NULL COMMENT 'The run it belongs to',
    statement_no int NOT NULL COMMENT 'Place of the statement in the file, from 1',
    line int NOT NULL COMMENT 'Line of the file on which it begins, from 1',
    checksum varchar(64) NOT NULL COMMENT 'SHA-256 of its canonical text, in hex',
    state varchar(10) NOT NULL COMMENT 'intent: sent, or about to be; done: the server confirmed it',
    started_at datetime(6) NOT NULL COMMENT 'When it was sent, UTC',
    ms bigint NULL COMMENT 'How long it took, in milliseconds',
    error varchar(2000) NULL COMMENT 'What the server said when it refused it',
    PRIMARY KEY (run_id, statement_no),
    CONSTRAINT stockops_migration_steps_run_fk FOREIGN KEY (run_id)
        REFERENCES stockops_migrations (id) ON DELETE CASCADE,
    CONSTRAINT stockops_migration_steps_state_ck CHECK (state IN ('intent', 'done'))
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin
COMMENT 'Journal of statements: intent is written before one is sent, done after it';
