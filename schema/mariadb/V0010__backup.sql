-- What a restored copy is known by, and how far it reaches.

CREATE TABLE database_identity (
    only_row SMALLINT NOT NULL DEFAULT 1 COMMENT 'Always 1',
    identity VARCHAR(36) NOT NULL COMMENT 'A random identity, the same for the life of the database',
    CONSTRAINT database_identity_pk PRIMARY KEY (only_row),
    CONSTRAINT database_identity_only_row_ck CHECK (only_row = 1)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'One row, made with the schema: every restore and every replica takes it along';
INSERT INTO database_identity (identity) VALUES (uuid());

CREATE TABLE heartbeats (
    writer VARCHAR(64) NOT NULL COMMENT 'Who beats: the archiver of a target, by name',
    beat_no BIGINT NOT NULL COMMENT 'Counts up from 1',
    beaten_at DATETIME(6) NOT NULL COMMENT 'Instant of the beat, by the clock of the server',
    CONSTRAINT heartbeats_pk PRIMARY KEY (writer),
    CONSTRAINT heartbeats_beat_no_ck CHECK (beat_no > 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'The last beat of each writer: a restored copy is as old as its youngest beat';
