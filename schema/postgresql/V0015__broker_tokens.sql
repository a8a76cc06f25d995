-- What a customer's account is reached by at its broker, kept so that the database alone is of no use to who takes it.

CREATE TABLE broker_tokens (
    account_id bigint NOT NULL,
    key_id varchar(16) COLLATE "C" NOT NULL,
    ciphertext varchar(4000) COLLATE "C" NOT NULL,
    stored_at timestamp(6) with time zone NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT broker_tokens_pk PRIMARY KEY (account_id),
    CONSTRAINT broker_tokens_account_fk FOREIGN KEY (account_id) REFERENCES accounts (account_id),
    CONSTRAINT broker_tokens_ciphertext_ck CHECK (ciphertext ~ '^[A-Za-z0-9_-]{38,}=*$')
);
CREATE INDEX broker_tokens_key_ix ON broker_tokens (key_id, account_id);
COMMENT ON TABLE broker_tokens IS 'Access tokens of accounts at their brokers, encrypted by a key that is never in this database';
COMMENT ON COLUMN broker_tokens.account_id IS 'The account, to which the ciphertext is bound: in another row it cannot be read';
COMMENT ON COLUMN broker_tokens.key_id IS 'Which key of the key file it is encrypted by';
COMMENT ON COLUMN broker_tokens.ciphertext IS 'Nonce and AES-256-GCM ciphertext, as base64url';
COMMENT ON COLUMN broker_tokens.stored_at IS 'When the token was stored, UTC; a rotation of the key leaves it';
