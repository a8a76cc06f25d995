-- Double entry: every movement of cash and of shares, and what it adds up to.
-- no foreign key: journal_entries.account_id -> accounts (each trade would lock the rows of the house, which every other trade needs); books invariant "orphans" holds it

CREATE TABLE journal_entries (
    journal_id bigint NOT NULL,
    leg smallint NOT NULL,
    business_date date NOT NULL,
    account_id bigint NOT NULL,
    asset asset_code NOT NULL,
    amount nonzero_bigint NOT NULL,
    kind entry_kind NOT NULL,
    CONSTRAINT journal_entries_pk PRIMARY KEY (journal_id, leg, business_date)
) PARTITION BY RANGE (business_date);
CREATE TABLE journal_entries_before PARTITION OF journal_entries FOR VALUES FROM (MINVALUE) TO ('2025-01-01');
CREATE TABLE journal_entries_2025 PARTITION OF journal_entries FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE journal_entries_2026 PARTITION OF journal_entries FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE journal_entries_after PARTITION OF journal_entries FOR VALUES FROM ('2027-01-01') TO (MAXVALUE);
CREATE INDEX journal_entries_account_ix ON journal_entries (account_id, asset);
COMMENT ON TABLE journal_entries IS 'Double entry: the legs of one journal add up to zero for each asset; never changed and never deleted';
COMMENT ON COLUMN journal_entries.journal_id IS 'Number of the journal, from event_ids; the journal of a trade has the number of the trade';
COMMENT ON COLUMN journal_entries.leg IS 'Number of the leg within the journal, from 1';
COMMENT ON COLUMN journal_entries.business_date IS 'Business date in KST';
COMMENT ON COLUMN journal_entries.account_id IS 'Account whose holding changes';
COMMENT ON COLUMN journal_entries.asset IS 'KRW, or the symbol of an issue';
COMMENT ON COLUMN journal_entries.amount IS 'Change in won or in shares, never 0';
COMMENT ON COLUMN journal_entries.kind IS 'open, deposit, trade, fee or tax';
CREATE TRIGGER journal_entries_append_only BEFORE UPDATE OR DELETE ON journal_entries
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE positions (
    account_id bigint NOT NULL,
    symbol varchar(6) COLLATE "C" NOT NULL,
    quantity bigint NOT NULL,
    reserved_quantity unsigned_bigint NOT NULL DEFAULT 0,
    cost_won unsigned_bigint NOT NULL,
    CONSTRAINT positions_pk PRIMARY KEY (account_id, symbol),
    CONSTRAINT positions_account_fk FOREIGN KEY (account_id) REFERENCES accounts (account_id),
    CONSTRAINT positions_stock_fk FOREIGN KEY (symbol) REFERENCES stocks (symbol),
    CONSTRAINT positions_quantity_ck CHECK (reserved_quantity <= quantity)
) WITH (fillfactor = 80);
CREATE INDEX positions_symbol_ix ON positions (symbol);
COMMENT ON TABLE positions IS 'What an account holds of an issue: the sum of its entries';
COMMENT ON COLUMN positions.account_id IS 'The account';
COMMENT ON COLUMN positions.symbol IS 'The issue';
COMMENT ON COLUMN positions.quantity IS 'Shares held, reserved ones included';
COMMENT ON COLUMN positions.reserved_quantity IS 'Shares held for open sell orders';
COMMENT ON COLUMN positions.cost_won IS 'What the shares cost, by the average method, fees left out';

CREATE TABLE house_balances (
    account_id bigint NOT NULL,
    asset varchar(6) COLLATE "C" NOT NULL,
    business_date date NOT NULL,
    amount bigint NOT NULL,
    entries bigint NOT NULL,
    folded_at timestamp(6) with time zone NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT house_balances_pk PRIMARY KEY (account_id, asset, business_date),
    CONSTRAINT house_balances_account_fk FOREIGN KEY (account_id) REFERENCES accounts (account_id),
    CONSTRAINT house_balances_entries_ck CHECK (entries >= 1)
);
COMMENT ON TABLE house_balances IS 'Entries of the house added up for each closed business date, so that no trade ever waits for a house account';
COMMENT ON COLUMN house_balances.account_id IS 'Account of the house';
COMMENT ON COLUMN house_balances.asset IS 'KRW, or the symbol of an issue';
COMMENT ON COLUMN house_balances.business_date IS 'The closed business date';
COMMENT ON COLUMN house_balances.amount IS 'Sum of the day''s entries';
COMMENT ON COLUMN house_balances.entries IS 'How many entries were added up';
COMMENT ON COLUMN house_balances.folded_at IS 'When they were added up, UTC';
