-- What users were told, and what happened, in a form that shows tampering.
-- no foreign key: audit_log.user_id -> users (partitioned tables cannot have them); books invariant "orphans" holds it

CREATE TABLE notifications (
    notification_id BIGINT NOT NULL AUTO_INCREMENT COMMENT 'Number of the message',
    user_id BIGINT NOT NULL COMMENT 'Who it is for',
    order_id BIGINT NULL COMMENT 'Order it is about, if there is one',
    kind VARCHAR(24) NOT NULL COMMENT 'order_executed, order_rejected, rebalance_executed or ai_warning',
    channel VARCHAR(16) NOT NULL COMMENT 'push, email or sms',
    body VARCHAR(500) NOT NULL COMMENT 'Text of the message',
    status VARCHAR(16) NOT NULL DEFAULT 'queued' COMMENT 'queued, sent or failed',
    created_at DATETIME(6) NOT NULL COMMENT 'When it was queued, UTC',
    sent_at DATETIME(6) NULL COMMENT 'When delivery ended, UTC',
    CONSTRAINT notifications_pk PRIMARY KEY (notification_id),
    CONSTRAINT notifications_user_fk FOREIGN KEY (user_id) REFERENCES users (user_id),
    CONSTRAINT notifications_order_fk FOREIGN KEY (order_id) REFERENCES orders (order_id),
    CONSTRAINT notifications_kind_ck CHECK (kind IN ('order_executed', 'order_rejected', 'rebalance_executed', 'ai_warning')),
    CONSTRAINT notifications_channel_ck CHECK (channel IN ('push', 'email', 'sms')),
    CONSTRAINT notifications_status_ck CHECK ((status = 'queued' AND sent_at IS NULL) OR (status IN ('sent', 'failed') AND sent_at IS NOT NULL)),
    INDEX notifications_user_ix (user_id, created_at),
    INDEX notifications_order_ix (order_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'A message to a user, queued for delivery';

CREATE TABLE audit_log (
    audit_id BIGINT NOT NULL COMMENT 'Number of the row, from event_ids; the row of an order has the number of the order',
    business_date DATE NOT NULL COMMENT 'Business date in KST',
    logged_at DATETIME(6) NOT NULL DEFAULT (utc_timestamp(6)) COMMENT 'When it was written, by the server''s clock, UTC',
    actor VARCHAR(64) NOT NULL DEFAULT (substring_index(user(), '@', 1)) COMMENT 'Database role that did it',
    user_id BIGINT NULL COMMENT 'User it concerns, if there is one',
    action VARCHAR(24) NOT NULL COMMENT 'What was done: place, cancel, expire, seed, and so on',
    entity VARCHAR(24) NOT NULL COMMENT 'Kind of thing it was done to',
    entity_id VARCHAR(64) NOT NULL COMMENT 'Which one',
    detail VARCHAR(500) NOT NULL COMMENT 'What came of it, as words separated by blanks',
    CONSTRAINT audit_log_pk PRIMARY KEY (audit_id, business_date),
    INDEX audit_log_user_ix (user_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'Who did what; never changed and never deleted; sealed into a hash chain in the background'
PARTITION BY RANGE COLUMNS (business_date) (
    PARTITION p_before VALUES LESS THAN ('2025-01-01'),
    PARTITION p_2025 VALUES LESS THAN ('2026-01-01'),
    PARTITION p_2026 VALUES LESS THAN ('2027-01-01'),
    PARTITION p_after VALUES LESS THAN (MAXVALUE)
);
CREATE TRIGGER audit_log_append_only_update BEFORE UPDATE ON audit_log FOR EACH ROW
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'audit_log is append-only: update refused';
CREATE TRIGGER audit_log_append_only_delete BEFORE DELETE ON audit_log FOR EACH ROW
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'audit_log is append-only: delete refused';

CREATE TABLE audit_seals (
    seal_no BIGINT NOT NULL COMMENT 'Place in the chain, from 1, without gaps',
    audit_id BIGINT NOT NULL COMMENT 'The sealed row',
    business_date DATE NOT NULL COMMENT 'Business date of the sealed row, which finds its partition',
    chain_hash VARCHAR(64) NOT NULL COMMENT 'SHA-256, in hex, of the hash before it, a line feed, and the canonical text of the row',
    sealed_at DATETIME(6) NOT NULL DEFAULT (utc_timestamp(6)) COMMENT 'When it was sealed, UTC',
    CONSTRAINT audit_seals_pk PRIMARY KEY (seal_no),
    CONSTRAINT audit_seals_audit_uq UNIQUE (audit_id),
    CONSTRAINT audit_seals_no_ck CHECK (seal_no >= 1),
    CONSTRAINT audit_seals_hash_ck CHECK (chain_hash REGEXP '^[0-9a-f]{64}$')
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'The hash chain over audit_log, in the order in which committed rows were found: seals are written later, so no order waits for another one''s hash';
CREATE TRIGGER audit_seals_append_only_update BEFORE UPDATE ON audit_seals FOR EACH ROW
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'audit_seals is append-only: update refused';
CREATE TRIGGER audit_seals_append_only_delete BEFORE DELETE ON audit_seals FOR EACH ROW
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'audit_seals is append-only: delete refused';

CREATE TABLE seed_chunks (
    plan_hash VARCHAR(64) NOT NULL COMMENT 'Hash of everything that decides the content: listing, date, counts, seed',
    table_name VARCHAR(32) NOT NULL COMMENT 'Table loaded; the row named * marks the whole seed as done',
    chunk_no INT NOT NULL COMMENT 'Number of the chunk, from 0',
    loaded_rows BIGINT NOT NULL COMMENT 'Rows in the chunk',
    sha256 VARCHAR(64) NOT NULL COMMENT 'SHA-256 of the loaded text, in hex',
    loaded_at DATETIME(6) NOT NULL DEFAULT (utc_timestamp(6)) COMMENT 'When it was committed, UTC',
    CONSTRAINT seed_chunks_pk PRIMARY KEY (plan_hash, table_name, chunk_no),
    CONSTRAINT seed_chunks_rows_ck CHECK (loaded_rows >= 0 AND chunk_no >= 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'What a seed has loaded, so that a killed one goes on where it stopped';

CREATE VIEW audit_canonical AS
SELECT
    audit_id,
    business_date,
    concat_ws(
        '|', audit_id, business_date, date_format(logged_at, '%Y-%m-%d %H:%i:%s.%f'),
        actor, coalesce(user_id, '-'), action, entity, entity_id, detail
    ) AS canonical
FROM audit_log;
