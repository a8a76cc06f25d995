-- Double entry: every movement of cash and of shares, and what it adds up to.
-- no foreign key: journal_entries.account_id -> accounts (partitioned tables cannot have them); books invariant "orphans" holds it

CREATE TABLE journal_entries (
    journal_id BIGINT NOT NULL COMMENT 'Number of the journal, from event_ids; the journal of a trade has the number of the trade',
    leg SMALLINT NOT NULL COMMENT 'Number of the leg within the journal, from 1',
    business_date DATE NOT NULL COMMENT 'Business date in KST',
    account_id BIGINT NOT NULL COMMENT 'Account whose holding changes',
    asset VARCHAR(6) NOT NULL COMMENT 'KRW, or the symbol of an issue',
    amount BIGINT NOT NULL COMMENT 'Change in won or in shares, never 0',
    kind VARCHAR(8) NOT NULL COMMENT 'open, deposit, trade, fee or tax',
    CONSTRAINT journal_entries_pk PRIMARY KEY (journal_id, leg, business_date),
    CONSTRAINT journal_entries_asset_ck CHECK (asset = 'KRW' OR asset REGEXP '^[0-9][0-9A-Z]{5}$'),
    CONSTRAINT journal_entries_amount_ck CHECK (amount <> 0),
    CONSTRAINT journal_entries_kind_ck CHECK (kind IN ('open', 'deposit', 'trade', 'fee', 'tax')),
    INDEX journal_entries_account_ix (account_id, asset)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'Double entry: the legs of one journal add up to zero for each asset; never changed and never deleted'
PARTITION BY RANGE COLUMNS (business_date) (
    PARTITION p_before VALUES LESS THAN ('2025-01-01'),
    PARTITION p_2025 VALUES LESS THAN ('2026-01-01'),
    PARTITION p_2026 VALUES LESS THAN ('2027-01-01'),
    PARTITION p_after VALUES LESS THAN (MAXVALUE)
);
CREATE TRIGGER journal_entries_append_only_update BEFORE UPDATE ON journal_entries FOR EACH ROW
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'journal_entries is append-only: update refused';
CREATE TRIGGER journal_entries_append_only_delete BEFORE DELETE ON journal_entries FOR EACH ROW
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'journal_entries is append-only: delete refused';

CREATE TABLE positions (
    account_id BIGINT NOT NULL COMMENT 'The account',
    symbol VARCHAR(6) NOT NULL COMMENT 'The issue',
    quantity BIGINT NOT NULL COMMENT 'Shares held, reserved ones included',
    reserved_quantity BIGINT NOT NULL DEFAULT 0 COMMENT 'Shares held for open sell orders',
    cost_won BIGINT NOT NULL COMMENT 'What the shares cost, by the average method, fees left out',
    CONSTRAINT positions_pk PRIMARY KEY (account_id, symbol),
    CONSTRAINT positions_account_fk FOREIGN KEY (account_id) REFERENCES accounts (account_id),
    CONSTRAINT positions_stock_fk FOREIGN KEY (symbol) REFERENCES stocks (symbol),
    CONSTRAINT positions_quantity_ck CHECK (reserved_quantity >= 0 AND reserved_quantity <= quantity),
    CONSTRAINT positions_cost_ck CHECK (cost_won >= 0),
    INDEX positions_symbol_ix (symbol)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'What an account holds of an issue: the sum of its entries';

CREATE TABLE house_balances (
    account_id BIGINT NOT NULL COMMENT 'Account of the house',
    asset VARCHAR(6) NOT NULL COMMENT 'KRW, or the symbol of an issue',
    business_date DATE NOT NULL COMMENT 'The closed business date',
    amount BIGINT NOT NULL COMMENT 'Sum of the day''s entries',
    entries BIGINT NOT NULL COMMENT 'How many entries were added up',
    folded_at DATETIME(6) NOT NULL DEFAULT (utc_timestamp(6)) COMMENT 'When they were added up, UTC',
    CONSTRAINT house_balances_pk PRIMARY KEY (account_id, asset, business_date),
    CONSTRAINT house_balances_account_fk FOREIGN KEY (account_id) REFERENCES accounts (account_id),
    CONSTRAINT house_balances_entries_ck CHECK (entries >= 1)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'Entries of the house added up for each closed business date, so that no trade ever waits for a house account';
