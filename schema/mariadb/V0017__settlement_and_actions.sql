-- Settled days, and what an issuer does to an issue: rename, split, delisting.

CREATE TABLE settlement_days (
    settles_on DATE NOT NULL COMMENT 'The settlement date',
    trades BIGINT NOT NULL COMMENT 'Trades settled',
    value_won BIGINT NOT NULL COMMENT 'Their value',
    fees_won BIGINT NOT NULL COMMENT 'Commission of both sides',
    taxes_won BIGINT NOT NULL COMMENT 'Tax of the sellers',
    open_from_id BIGINT NOT NULL COMMENT 'High-water mark: no trade with a number below it was left unsettled',
    settled_at DATETIME(6) NOT NULL DEFAULT (utc_timestamp(6)) COMMENT 'When it was settled, UTC',
    CONSTRAINT settlement_days_pk PRIMARY KEY (settles_on),
    CONSTRAINT settlement_days_amounts_ck CHECK (trades >= 0 AND value_won >= 0 AND fees_won >= 0 AND taxes_won >= 0 AND open_from_id >= 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'A settled date: what settles on it and on the closed days before it, in one transaction; a date without trades has its row too';
CREATE TRIGGER settlement_days_append_only_update BEFORE UPDATE ON settlement_days FOR EACH ROW
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'settlement_days is append-only: update refused';
CREATE TRIGGER settlement_days_append_only_delete BEFORE DELETE ON settlement_days FOR EACH ROW
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'settlement_days is append-only: delete refused';

-- No key to accounts: it would hold the row of every account that traded, for as long as the batch takes. The books
-- invariant "settlement" finds an account that is not there.
CREATE TABLE settlements (
    settles_on DATE NOT NULL COMMENT 'The settlement date',
    account_id BIGINT NOT NULL COMMENT 'The account, a customer''s or the house''s',
    amount_won BIGINT NOT NULL COMMENT 'What became settled cash; negative where the account had to pay',
    entries BIGINT NOT NULL COMMENT 'How many entries were added up',
    CONSTRAINT settlements_pk PRIMARY KEY (settles_on, account_id),
    CONSTRAINT settlements_day_fk FOREIGN KEY (settles_on) REFERENCES settlement_days (settles_on),
    CONSTRAINT settlements_entries_ck CHECK (entries >= 1),
    INDEX settlements_account_ix (account_id, settles_on)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'Cash that moved from unsettled to settled on a date, by account: the sum of its KRW entries in the trades that settle up to it and after the day before; a date adds up to 0';
CREATE TRIGGER settlements_append_only_update BEFORE UPDATE ON settlements FOR EACH ROW
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'settlements is append-only: update refused';
CREATE TRIGGER settlements_append_only_delete BEFORE DELETE ON settlements FOR EACH ROW
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'settlements is append-only: delete refused';

CREATE TABLE corporate_actions (
    action_id BIGINT NOT NULL COMMENT 'Number of the action, from event_ids; also the number of its audit row',
    symbol VARCHAR(6) NOT NULL COMMENT 'The issue',
    kind VARCHAR(16) NOT NULL COMMENT 'rename, split or delist',
    effective_date DATE NOT NULL COMMENT 'Business date from which on it holds, before the first order of that date',
    new_shares INT NULL COMMENT 'Split: so many new shares',
    old_shares INT NULL COMMENT 'Split: for so many old ones; one of the two is 1',
    price_won BIGINT NULL COMMENT 'Delisting: what each share was paid out at; NULL where holdings stay',
    old_name VARCHAR(64) NULL COMMENT 'Rename: the name before',
    new_name VARCHAR(64) NULL COMMENT 'Rename: the name from then on',
    last_won BIGINT NOT NULL COMMENT 'Base price of the date without the action',
    base_won BIGINT NOT NULL COMMENT 'Base price of the date with it: by the ratio of a split, on the tick',
    listed_before BIGINT NOT NULL COMMENT 'Shares listed before',
    listed_after BIGINT NOT NULL COMMENT 'Shares listed after',
    holders BIGINT NOT NULL COMMENT 'Customers whose holding changed',
    paid_won BIGINT NOT NULL COMMENT 'Cash paid to customers: for fractions of a share, or for all shares',
    orders_cancelled BIGINT NOT NULL COMMENT 'Open orders that expired with the day it ended',
    applied_at DATETIME(6) NOT NULL COMMENT 'When it was done by the market''s clock, UTC',
    CONSTRAINT corporate_actions_pk PRIMARY KEY (action_id),
    CONSTRAINT corporate_actions_stock_fk FOREIGN KEY (symbol) REFERENCES stocks (symbol),
    CONSTRAINT corporate_actions_kind_ck CHECK (
        (kind = 'rename' AND old_name IS NOT NULL AND new_name IS NOT NULL AND new_shares IS NULL AND old_shares IS NULL AND price_won IS NULL)
        OR (kind = 'split' AND new_shares >= 1 AND old_shares >= 1 AND new_shares <> old_shares AND old_name IS NULL AND new_name IS NULL
            AND price_won IS NULL AND new_shares IS NOT NULL AND old_shares IS NOT NULL)
        OR (kind = 'delist' AND new_shares IS NULL AND old_shares IS NULL AND old_name IS NULL AND new_name IS NULL AND coalesce(price_won, 0) >= 0)
    ),
    CONSTRAINT corporate_actions_amounts_ck CHECK (
        last_won >= 1 AND base_won >= 1 AND listed_before >= 1 AND listed_after >= 0 AND holders >= 0 AND paid_won >= 0 AND orders_cancelled >= 0
    ),
    INDEX corporate_actions_symbol_ix (symbol, effective_date)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'What an issuer did to an issue, each in one transaction; never changed and never deleted';
CREATE TRIGGER corporate_actions_append_only_update BEFORE UPDATE ON corporate_actions FOR EACH ROW
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'corporate_actions is append-only: update refused';
CREATE TRIGGER corporate_actions_append_only_delete BEFORE DELETE ON corporate_actions FOR EACH ROW
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'corporate_actions is append-only: delete refused';

-- No key to the action, which is stored last, with what its lines come to, nor to accounts, as above. The books invariant
-- "corporate_actions" holds both.
CREATE TABLE corporate_action_lines (
    action_id BIGINT NOT NULL COMMENT 'The action',
    account_id BIGINT NOT NULL COMMENT 'The account',
    journal_id BIGINT NOT NULL COMMENT 'Journal that moved its shares and its cash',
    quantity_before BIGINT NOT NULL COMMENT 'Shares before',
    quantity_after BIGINT NOT NULL COMMENT 'Shares after',
    cost_before BIGINT NOT NULL COMMENT 'What they cost before',
    cost_after BIGINT NOT NULL COMMENT 'What the shares that stayed cost: less the part of what was paid out',
    paid_won BIGINT NOT NULL COMMENT 'Cash paid to it',
    CONSTRAINT corporate_action_lines_pk PRIMARY KEY (action_id, account_id),
    CONSTRAINT corporate_action_lines_journal_uq UNIQUE (journal_id),
    CONSTRAINT corporate_action_lines_amounts_ck CHECK (
        quantity_before >= 0 AND quantity_after >= 0 AND quantity_before <> quantity_after AND cost_before >= 0
        AND cost_after BETWEEN 0 AND cost_before AND paid_won >= 0
    )
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'What an action did to one holding; the house''s inventory is one of them';
CREATE TRIGGER corporate_action_lines_append_only_update BEFORE UPDATE ON corporate_action_lines FOR EACH ROW
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'corporate_action_lines is append-only: update refused';
CREATE TRIGGER corporate_action_lines_append_only_delete BEFORE DELETE ON corporate_action_lines FOR EACH ROW
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'corporate_action_lines is append-only: delete refused';

-- Prices stay as they were traded; who compares them over a split multiplies by this.
CREATE TABLE price_factors (
    symbol VARCHAR(6) NOT NULL COMMENT 'The issue',
    before_date DATE NOT NULL COMMENT 'Holds for the dates before it, back to the next earlier row',
    new_shares BIGINT NOT NULL COMMENT 'So many shares of today',
    old_shares BIGINT NOT NULL COMMENT 'Came from so many of then',
    CONSTRAINT price_factors_pk PRIMARY KEY (symbol, before_date),
    CONSTRAINT price_factors_stock_fk FOREIGN KEY (symbol) REFERENCES stocks (symbol),
    CONSTRAINT price_factors_ratio_ck CHECK (new_shares >= 1 AND old_shares >= 1)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'What all splits since come to: a price before the date times old_shares / new_shares is one of a share of today';

CREATE VIEW adjusted_prices AS
SELECT
    p.symbol, p.price_date,
    round(p.open_won * coalesce(f.old_shares, 1) / coalesce(f.new_shares, 1), 4) AS open_won,
    round(p.high_won * coalesce(f.old_shares, 1) / coalesce(f.new_shares, 1), 4) AS high_won,
    round(p.low_won * coalesce(f.old_shares, 1) / coalesce(f.new_shares, 1), 4) AS low_won,
    round(p.close_won * coalesce(f.old_shares, 1) / coalesce(f.new_shares, 1), 4) AS close_won,
    round(p.volume * coalesce(f.new_shares, 1) / coalesce(f.old_shares, 1), 4) AS volume,
    p.value_won
FROM stock_prices AS p
LEFT JOIN price_factors AS f
    ON f.symbol = p.symbol
    AND f.before_date = (SELECT min(n.before_date) FROM price_factors AS n WHERE n.symbol = p.symbol AND n.before_date > p.price_date);

ALTER TABLE journal_entries
    DROP CONSTRAINT journal_entries_kind_ck,
    MODIFY COLUMN kind VARCHAR(8) NOT NULL COMMENT 'open, deposit, trade, fee, tax or action',
    ADD CONSTRAINT journal_entries_kind_ck CHECK (kind IN ('open', 'deposit', 'trade', 'fee', 'tax', 'action'));
ALTER TABLE notifications
    DROP CONSTRAINT notifications_kind_ck,
    MODIFY COLUMN kind VARCHAR(24) NOT NULL COMMENT 'order_executed, order_rejected, rebalance_executed, ai_warning or corporate_action',
    ADD CONSTRAINT notifications_kind_ck CHECK (
        kind IN ('order_executed', 'order_rejected', 'rebalance_executed', 'ai_warning', 'corporate_action')
    );
-- All shares of a delisted issue may have been paid out.
ALTER TABLE stocks
    DROP CONSTRAINT stocks_shares_ck,
    ADD CONSTRAINT stocks_shares_ck CHECK (listed_shares >= 1 OR (status = 'delisted' AND listed_shares = 0));
