-- Makes the table that remembers every run of a migration; several statements, run in one transaction.
CREATE TABLE IF NOT EXISTS public.stockops_migrations (
    id bigint GENERATED ALWAYS AS IDENTITY,
    migration varchar(200) NOT NULL,
    description varchar(200) NOT NULL,
    kind varchar(10) NOT NULL,
    state varchar(10) NOT NULL,
    installed_at timestamp(6) with time zone NOT NULL,
    installed_by varchar(200) NOT NULL,
    host varchar(255) NOT NULL,
    os_user varchar(200) NOT NULL,
    tool_version varchar(40) NOT NULL,
    ms bigint NULL,
    checksum_algorithm varchar(40) NOT NULL,
    checksum varchar(64) NOT NULL,
    content text NOT NULL,
    CONSTRAINT stockops_migrations_pk PRIMARY KEY (id),
    CONSTRAINT stockops_migrations_kind_ck CHECK (kind IN ('versioned', 'repeatable')),
    CONSTRAINT stockops_migrations_state_ck CHECK (state IN ('applying', 'applied', 'failed'))
);
CREATE INDEX IF NOT EXISTS stockops_migrations_migration_ix ON public.stockops_migrations (migration);
COMMENT ON TABLE public.stockops_migrations IS 'Every run of a migration, in order; the newest row of a migration says where it stands';
COMMENT ON COLUMN public.stockops_migrations.id IS 'Number of the run';
COMMENT ON COLUMN public.stockops_migrations.migration IS 'V and the version, or R__ and the name';
COMMENT ON COLUMN public.stockops_migrations.description IS 'The words in the name of the file';
COMMENT ON COLUMN public.stockops_migrations.kind IS 'versioned: applied once; repeatable: applied again when its text changes';
COMMENT ON COLUMN public.stockops_migrations.state IS 'applying (running, or stopped half way), applied, or failed with nothing left of it';
COMMENT ON COLUMN public.stockops_migrations.installed_at IS 'When the run began, UTC';
COMMENT ON COLUMN public.stockops_migrations.installed_by IS 'Database user';
COMMENT ON COLUMN public.stockops_migrations.host IS 'Machine that ran it';
COMMENT ON COLUMN public.stockops_migrations.os_user IS 'User of that machine';
COMMENT ON COLUMN public.stockops_migrations.tool_version IS 'Version of stockops';
COMMENT ON COLUMN public.stockops_migrations.ms IS 'How long all of it took, in milliseconds; NULL until it is applied';
COMMENT ON COLUMN public.stockops_migrations.checksum_algorithm IS 'How checksum is computed from content';
COMMENT ON COLUMN public.stockops_migrations.checksum IS 'Checksum of content, in hex';
COMMENT ON COLUMN public.stockops_migrations.content IS 'The text that was run, in canonical form';
CREATE TABLE IF NOT EXISTS public.stockops_migration_steps (
    run_id bigint NOT NULL,
    statement_no integer NOT NULL,
    line integer NOT NULL,
    checksum varchar(64) NOT NULL,
    state varchar(10) NOT NULL,
    started_at timestamp(6) with time zone NOT NULL,
    ms bigint NULL,
    error varchar(2000) NULL,
    CONSTRAINT stockops_migration_steps_pk PRIMARY KEY (run_id, statement_no),
    CONSTRAINT stockops_migration_steps_run_fk FOREIGN KEY (run_id)
        REFERENCES public.stockops_migrations (id) ON DELETE CASCADE,
    CONSTRAINT stockops_migration_steps_state_ck CHECK (state IN ('intent', 'done'))
);
COMMENT ON TABLE public.stockops_migration_steps IS 'Journal of statements: intent is written before one is sent, done after it';
COMMENT ON COLUMN public.stockops_migration_steps.run_id IS 'The run it belongs to';
COMMENT ON COLUMN public.stockops_migration_steps.statement_no IS 'Place of the statement in the file, from 1';
COMMENT ON COLUMN public.stockops_migration_steps.line IS 'Line of the file on which it begins, from 1';
COMMENT ON COLUMN public.stockops_migration_steps.checksum IS 'SHA-256 of its canonical text, in hex';
COMMENT ON COLUMN public.stockops_migration_steps.state IS 'intent: sent, or about to be; done: the server confirmed it';
COMMENT ON COLUMN public.stockops_migration_steps.started_at IS 'When it was sent, UTC';
COMMENT ON COLUMN public.stockops_migration_steps.ms IS 'How long it took, in milliseconds';
COMMENT ON COLUMN public.stockops_migration_steps.error IS 'What the server said when it refused it';
