-- Settled days, and what an issuer does to an issue: rename, split, delisting.

CREATE TABLE settlement_days (
    settles_on date NOT NULL,
    trades bigint NOT NULL,
    value_won bigint NOT NULL,
    fees_won bigint NOT NULL,
    taxes_won bigint NOT NULL,
    open_from_id bigint NOT NULL,
    settled_at timestamp(6) with time zone NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT settlement_days_pk PRIMARY KEY (settles_on),
    CONSTRAINT settlement_days_amounts_ck CHECK (trades >= 0 AND value_won >= 0 AND fees_won >= 0 AND taxes_won >= 0 AND open_from_id >= 0)
);
COMMENT ON TABLE settlement_days IS 'A settled date: what settles on it and on the closed days before it, in one transaction; a date without trades has its row too';
COMMENT ON COLUMN settlement_days.settles_on IS 'The settlement date';
COMMENT ON COLUMN settlement_days.trades IS 'Trades settled';
COMMENT ON COLUMN settlement_days.value_won IS 'Their value';
COMMENT ON COLUMN settlement_days.fees_won IS 'Commission of both sides';
COMMENT ON COLUMN settlement_days.taxes_won IS 'Tax of the sellers';
COMMENT ON COLUMN settlement_days.open_from_id IS 'High-water mark: no trade with a number below it was left unsettled';
COMMENT ON COLUMN settlement_days.settled_at IS 'When it was settled, UTC';
CREATE TRIGGER settlement_days_append_only BEFORE UPDATE OR DELETE ON settlement_days
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- No key to accounts: on MariaDB it would hold the row of every account that traded, for as long as the batch takes. The
-- books invariant "settlement" finds an account that is not there.
CREATE TABLE settlements (
    settles_on date NOT NULL,
    account_id bigint NOT NULL,
    amount_won bigint NOT NULL,
    entries bigint NOT NULL,
    CONSTRAINT settlements_pk PRIMARY KEY (settles_on, account_id),
    CONSTRAINT settlements_day_fk FOREIGN KEY (settles_on) REFERENCES settlement_days (settles_on),
    CONSTRAINT settlements_entries_ck CHECK (entries >= 1)
);
CREATE INDEX settlements_account_ix ON settlements (account_id, settles_on);
COMMENT ON TABLE settlements IS 'Cash that moved from unsettled to settled on a date, by account: the sum of its KRW entries in the trades that settle up to it and after the day before; a date adds up to 0';
COMMENT ON COLUMN settlements.settles_on IS 'The settlement date';
COMMENT ON COLUMN settlements.account_id IS 'The account, a customer''s or the house''s';
COMMENT ON COLUMN settlements.amount_won IS 'What became settled cash; negative where the account had to pay';
COMMENT ON COLUMN settlements.entries IS 'How many entries were added up';
CREATE TRIGGER settlements_append_only BEFORE UPDATE OR DELETE ON settlements
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE corporate_actions (
    action_id bigint NOT NULL,
    symbol varchar(6) COLLATE "C" NOT NULL,
    kind varchar(16) COLLATE "C" NOT NULL,
    effective_date date NOT NULL,
    new_shares integer NULL,
    old_shares integer NULL,
    price_won bigint NULL,
    old_name varchar(64) COLLATE "C" NULL,
    new_name varchar(64) COLLATE "C" NULL,
    last_won bigint NOT NULL,
    base_won bigint NOT NULL,
    listed_before bigint NOT NULL,
    listed_after bigint NOT NULL,
    holders bigint NOT NULL,
    paid_won bigint NOT NULL,
    orders_cancelled bigint NOT NULL,
    applied_at timestamp(6) with time zone NOT NULL,
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
    )
);
CREATE INDEX corporate_actions_symbol_ix ON corporate_actions (symbol, effective_date);
COMMENT ON TABLE corporate_actions IS 'What an issuer did to an issue, each in one transaction; never changed and never deleted';
COMMENT ON COLUMN corporate_actions.action_id IS 'Number of the action, from event_ids; also the number of its audit row';
COMMENT ON COLUMN corporate_actions.symbol IS 'The issue';
COMMENT ON COLUMN corporate_actions.kind IS 'rename, split or delist';
COMMENT ON COLUMN corporate_actions.effective_date IS 'Business date from which on it holds, before the first order of that date';
COMMENT ON COLUMN corporate_actions.new_shares IS 'Split: so many new shares';
COMMENT ON COLUMN corporate_actions.old_shares IS 'Split: for so many old ones; one of the two is 1';
COMMENT ON COLUMN corporate_actions.price_won IS 'Delisting: what each share was paid out at; NULL where holdings stay';
COMMENT ON COLUMN corporate_actions.old_name IS 'Rename: the name before';
COMMENT ON COLUMN corporate_actions.new_name IS 'Rename: the name from then on';
COMMENT ON COLUMN corporate_actions.last_won IS 'Base price of the date without the action';
COMMENT ON COLUMN corporate_actions.base_won IS 'Base price of the date with it: by the ratio of a split, on the tick';
COMMENT ON COLUMN corporate_actions.listed_before IS 'Shares listed before';
COMMENT ON COLUMN corporate_actions.listed_after IS 'Shares listed after';
COMMENT ON COLUMN corporate_actions.holders IS 'Customers whose holding changed';
COMMENT ON COLUMN corporate_actions.paid_won IS 'Cash paid to customers: for fractions of a share, or for all shares';
COMMENT ON COLUMN corporate_actions.orders_cancelled IS 'Open orders that expired with the day it ended';
COMMENT ON COLUMN corporate_actions.applied_at IS 'When it was done by the market''s clock, UTC';
CREATE TRIGGER corporate_actions_append_only BEFORE UPDATE OR DELETE ON corporate_actions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- No key to the action, which is stored last, with what its lines come to, nor to accounts, as above. The books invariant
-- "corporate_actions" holds both.
CREATE TABLE corporate_action_lines (
    action_id bigint NOT NULL,
    account_id bigint NOT NULL,
    journal_id bigint NOT NULL,
    quantity_before bigint NOT NULL,
    quantity_after bigint NOT NULL,
    cost_before bigint NOT NULL,
    cost_after bigint NOT NULL,
    paid_won bigint NOT NULL,
    CONSTRAINT corporate_action_lines_pk PRIMARY KEY (action_id, account_id),
    CONSTRAINT corporate_action_lines_journal_uq UNIQUE (journal_id),
    CONSTRAINT corporate_action_lines_amounts_ck CHECK (
        quantity_before >= 0 AND quantity_after >= 0 AND quantity_before <> quantity_after AND cost_before >= 0
        AND cost_after BETWEEN 0 AND cost_before AND paid_won >= 0
    )
);
COMMENT ON TABLE corporate_action_lines IS 'What an action did to one holding; the house''s inventory is one of them';
COMMENT ON COLUMN corporate_action_lines.action_id IS 'The action';
COMMENT ON COLUMN corporate_action_lines.account_id IS 'The account';
COMMENT ON COLUMN corporate_action_lines.journal_id IS 'Journal that moved its shares and its cash';
COMMENT ON COLUMN corporate_action_lines.quantity_before IS 'Shares before';
COMMENT ON COLUMN corporate_action_lines.quantity_after IS 'Shares after';
COMMENT ON COLUMN corporate_action_lines.cost_before IS 'What they cost before';
COMMENT ON COLUMN corporate_action_lines.cost_after IS 'What the shares that stayed cost: less the part of what was paid out';
COMMENT ON COLUMN corporate_action_lines.paid_won IS 'Cash paid to it';
CREATE TRIGGER corporate_action_lines_append_only BEFORE UPDATE OR DELETE ON corporate_action_lines
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Prices stay as they were traded; who compares them over a split multiplies by this.
CREATE TABLE price_factors (
    symbol varchar(6) COLLATE "C" NOT NULL,
    before_date date NOT NULL,
    new_shares bigint NOT NULL,
    old_shares bigint NOT NULL,
    CONSTRAINT price_factors_pk PRIMARY KEY (symbol, before_date),
    CONSTRAINT price_factors_stock_fk FOREIGN KEY (symbol) REFERENCES stocks (symbol),
    CONSTRAINT price_factors_ratio_ck CHECK (new_shares >= 1 AND old_shares >= 1)
);
COMMENT ON TABLE price_factors IS 'What all splits since come to: a price before the date times old_shares / new_shares is one of a share of today';
COMMENT ON COLUMN price_factors.symbol IS 'The issue';
COMMENT ON COLUMN price_factors.before_date IS 'Holds for the dates before it, back to the next earlier row';
COMMENT ON COLUMN price_factors.new_shares IS 'So many shares of today';
COMMENT ON COLUMN price_factors.old_shares IS 'Came from so many of then';

CREATE VIEW adjusted_prices AS
SELECT
    p.symbol, p.price_date,
    round(p.open_won * coalesce(f.old_shares, 1)::numeric / coalesce(f.new_shares, 1), 4) AS open_won,
    round(p.high_won * coalesce(f.old_shares, 1)::numeric / coalesce(f.new_shares, 1), 4) AS high_won,
    round(p.low_won * coalesce(f.old_shares, 1)::numeric / coalesce(f.new_shares, 1), 4) AS low_won,
    round(p.close_won * coalesce(f.old_shares, 1)::numeric / coalesce(f.new_shares, 1), 4) AS close_won,
    round(p.volume * coalesce(f.new_shares, 1)::numeric / coalesce(f.old_shares, 1), 4) AS volume,
    p.value_won
FROM stock_prices AS p
LEFT JOIN price_factors AS f
    ON f.symbol = p.symbol
    AND f.before_date = (SELECT min(n.before_date) FROM price_factors AS n WHERE n.symbol = p.symbol AND n.before_date > p.price_date);
COMMENT ON VIEW adjusted_prices IS 'Daily prices and volumes in shares of today: what was traded before a split, by its ratio';

ALTER DOMAIN entry_kind DROP CONSTRAINT entry_kind_check;
ALTER DOMAIN entry_kind ADD CONSTRAINT entry_kind_check CHECK (VALUE IN ('open', 'deposit', 'trade', 'fee', 'tax', 'action')) NOT VALID;
ALTER DOMAIN entry_kind VALIDATE CONSTRAINT entry_kind_check;
COMMENT ON COLUMN journal_entries.kind IS 'open, deposit, trade, fee, tax or action';
ALTER TABLE notifications
    DROP CONSTRAINT notifications_kind_ck,
    ADD CONSTRAINT notifications_kind_ck CHECK (
        kind IN ('order_executed', 'order_rejected', 'rebalance_executed', 'ai_warning', 'corporate_action')
    );
COMMENT ON COLUMN notifications.kind IS 'order_executed, order_rejected, rebalance_executed, ai_warning or corporate_action';
-- All shares of a delisted issue may have been paid out.
ALTER TABLE stocks
    DROP CONSTRAINT stocks_shares_ck,
    ADD CONSTRAINT stocks_shares_ck CHECK (listed_shares >= 1 OR (status = 'delisted' AND listed_shares = 0));
