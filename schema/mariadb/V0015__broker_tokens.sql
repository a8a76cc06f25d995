-- What a customer's account is reached by at its broker, kept so that the database alone is of no use to who takes it.

CREATE TABLE broker_tokens (
    account_id BIGINT NOT NULL COMMENT 'The account, to which the ciphertext is bound: in another row it cannot be read',
    key_id VARCHAR(16) NOT NULL COMMENT 'Which key of the key file it is encrypted by',
    ciphertext VARCHAR(4000) NOT NULL COMMENT 'Nonce and AES-256-GCM ciphertext, as base64url',
    stored_at DATETIME(6) NOT NULL DEFAULT (utc_timestamp(6)) COMMENT 'When the token was stored, UTC; a rotation of the key leaves it',
    CONSTRAINT broker_tokens_pk PRIMARY KEY (account_id),
    CONSTRAINT broker_tokens_account_fk FOREIGN KEY (account_id) REFERENCES accounts (account_id),
    CONSTRAINT broker_tokens_ciphertext_ck CHECK (ciphertext REGEXP '^[A-Za-z0-9_-]{38,}=*$'),
    INDEX broker_tokens_key_ix (key_id, account_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'Access tokens of accounts at their brokers, encrypted by a key that is never in this database';
