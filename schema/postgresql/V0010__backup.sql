-- What a restored copy is known by, and how far it reaches.

CREATE TABLE database_identity (
    only_row smallint NOT NULL DEFAULT 1,
    identity varchar(36) COLLATE "C" NOT NULL,
    CONSTRAINT database_identity_pk PRIMARY KEY (only_row),
    CONSTRAINT database_identity_only_row_ck CHECK (only_row = 1)
);
COMMENT ON TABLE database_identity IS 'One row, made with the schema: every restore and every replica takes it along';
COMMENT ON COLUMN database_identity.only_row IS 'Always 1';
COMMENT ON COLUMN database_identity.identity IS 'A random identity, the same for the life of the database';
INSERT INTO database_identity (identity) VALUES (gen_random_uuid()::varchar(36));

CREATE TABLE heartbeats (
    writer varchar(64) COLLATE "C" NOT NULL,
    beat_no bigint NOT NULL,
    beaten_at timestamp with time zone NOT NULL,
    CONSTRAINT heartbeats_pk PRIMARY KEY (writer),
    CONSTRAINT heartbeats_beat_no_ck CHECK (beat_no > 0)
);
COMMENT ON TABLE heartbeats IS 'The last beat of each writer: a restored copy is as old as its youngest beat';
COMMENT ON COLUMN heartbeats.writer IS 'Who beats: the archiver of a target, by name';
COMMENT ON COLUMN heartbeats.beat_no IS 'Counts up from 1';
COMMENT ON COLUMN heartbeats.beaten_at IS 'Instant of the beat, by the clock of the server';
