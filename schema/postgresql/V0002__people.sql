-- Who trades, through whom, and with what cash.

CREATE TABLE users (
    user_id bigint NOT NULL,
    full_name varchar(64) NOT NULL,
    email varchar(128) COLLATE "C" NOT NULL,
    phone varchar(16) COLLATE "C" NOT NULL,
    status varchar(16) COLLATE "C" NOT NULL DEFAULT 'active',
    created_at timestamp(6) with time zone NOT NULL,
    CONSTRAINT users_pk PRIMARY KEY (user_id),
    CONSTRAINT users_email_uq UNIQUE (email),
    CONSTRAINT users_status_ck CHECK (status IN ('active', 'suspended', 'closed'))
);
COMMENT ON TABLE users IS 'A person who owns accounts; no resident number is ever kept';
COMMENT ON COLUMN users.user_id IS 'Number of the user; 0 is the house itself';
COMMENT ON COLUMN users.full_name IS 'Full name, family name first';
COMMENT ON COLUMN users.email IS 'E-mail address, in lower case';
COMMENT ON COLUMN users.phone IS 'Mobile number, 010-0000-0000';
COMMENT ON COLUMN users.status IS 'active, suspended or closed';
COMMENT ON COLUMN users.created_at IS 'When the user was registered, UTC';

CREATE TABLE brokers (
    broker_id bigint NOT NULL,
    code varchar(16) COLLATE "C" NOT NULL,
    name varchar(64) NOT NULL,
    status varchar(16) COLLATE "C" NOT NULL DEFAULT 'active',
    CONSTRAINT brokers_pk PRIMARY KEY (broker_id),
    CONSTRAINT brokers_code_uq UNIQUE (code),
    CONSTRAINT brokers_status_ck CHECK (status IN ('active', 'closed'))
);
COMMENT ON TABLE brokers IS 'A member firm that holds accounts and charges commission';
COMMENT ON COLUMN brokers.broker_id IS 'Number of the broker; 0 is the house itself';
COMMENT ON COLUMN brokers.code IS 'Short code of the broker';
COMMENT ON COLUMN brokers.name IS 'Name of the broker';
COMMENT ON COLUMN brokers.status IS 'active or closed';

CREATE TABLE fee_schedules (
    broker_id bigint NOT NULL,
    valid_from date NOT NULL,
    commission_rate numeric(9, 8) NOT NULL,
    CONSTRAINT fee_schedules_pk PRIMARY KEY (broker_id, valid_from),
    CONSTRAINT fee_schedules_broker_fk FOREIGN KEY (broker_id) REFERENCES brokers (broker_id),
    CONSTRAINT fee_schedules_rate_ck CHECK (commission_rate BETWEEN 0 AND 1)
);
COMMENT ON TABLE fee_schedules IS 'Commission of a broker on both sides of a trade, by business date';
COMMENT ON COLUMN fee_schedules.broker_id IS 'The broker';
COMMENT ON COLUMN fee_schedules.valid_from IS 'First business date of the rate';
COMMENT ON COLUMN fee_schedules.commission_rate IS 'Share of the gross value: 0.00015 is 0.015 percent; parts of a won are cut off';

CREATE TABLE accounts (
    account_id bigint NOT NULL,
    user_id bigint NOT NULL,
    broker_id bigint NOT NULL,
    account_no varchar(24) COLLATE "C" NOT NULL,
    kind account_kind NOT NULL DEFAULT 'customer',
    status account_status NOT NULL DEFAULT 'active',
    tax_exempt boolean NOT NULL DEFAULT false,
    cash_won bigint NOT NULL DEFAULT 0,
    reserved_won unsigned_bigint NOT NULL DEFAULT 0,
    opened_at timestamp(6) with time zone NOT NULL,
    CONSTRAINT accounts_pk PRIMARY KEY (account_id),
    CONSTRAINT accounts_no_uq UNIQUE (account_no),
    CONSTRAINT accounts_user_fk FOREIGN KEY (user_id) REFERENCES users (user_id),
    CONSTRAINT accounts_broker_fk FOREIGN KEY (broker_id) REFERENCES brokers (broker_id),
    CONSTRAINT accounts_reserved_ck CHECK (reserved_won <= cash_won),
    CONSTRAINT accounts_house_ck CHECK (kind = 'customer' OR cash_won = 0)
) WITH (fillfactor = 80);
CREATE INDEX accounts_user_ix ON accounts (user_id);
CREATE INDEX accounts_broker_ix ON accounts (broker_id);
COMMENT ON TABLE accounts IS 'A cash account of a user at a broker; ids below 1000 are the house: their money is the sum of their entries, never a row that every trade waits for';
COMMENT ON COLUMN accounts.account_id IS 'Number of the account: 1 house, 2 fees, 3 tax, 4 bank, 5 issuer, customers from 1001';
COMMENT ON COLUMN accounts.user_id IS 'Owner of the account';
COMMENT ON COLUMN accounts.broker_id IS 'Broker that holds the account';
COMMENT ON COLUMN accounts.account_no IS 'Number printed on statements';
COMMENT ON COLUMN accounts.kind IS 'customer, or which account of the house';
COMMENT ON COLUMN accounts.status IS 'active, suspended or closed: only an active account places orders';
COMMENT ON COLUMN accounts.tax_exempt IS 'True for market makers, who pay no tax on sales';
COMMENT ON COLUMN accounts.cash_won IS 'Cash of a customer, equal to the sum of the KRW entries; 0 for the house';
COMMENT ON COLUMN accounts.reserved_won IS 'Part of the cash held for open buy orders, fees included';
COMMENT ON COLUMN accounts.opened_at IS 'When the account was opened, UTC';
