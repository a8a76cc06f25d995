-- Who trades, through whom, and with what cash.

CREATE TABLE users (
    user_id BIGINT NOT NULL COMMENT 'Number of the user; 0 is the house itself',
    full_name VARCHAR(64) NOT NULL COMMENT 'Full name, family name first',
    email VARCHAR(128) NOT NULL COMMENT 'E-mail address, in lower case',
    phone VARCHAR(16) NOT NULL COMMENT 'Mobile number, 010-0000-0000',
    status VARCHAR(16) NOT NULL DEFAULT 'active' COMMENT 'active, suspended or closed',
    created_at DATETIME(6) NOT NULL COMMENT 'When the user was registered, UTC',
    CONSTRAINT users_pk PRIMARY KEY (user_id),
    CONSTRAINT users_email_uq UNIQUE (email),
    CONSTRAINT users_status_ck CHECK (status IN ('active', 'suspended', 'closed'))
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'A person who owns accounts; no resident number is ever kept';

CREATE TABLE brokers (
    broker_id BIGINT NOT NULL COMMENT 'Number of the broker; 0 is the house itself',
    code VARCHAR(16) NOT NULL COMMENT 'Short code of the broker',
    name VARCHAR(64) NOT NULL COMMENT 'Name of the broker',
    status VARCHAR(16) NOT NULL DEFAULT 'active' COMMENT 'active or closed',
    CONSTRAINT brokers_pk PRIMARY KEY (broker_id),
    CONSTRAINT brokers_code_uq UNIQUE (code),
    CONSTRAINT brokers_status_ck CHECK (status IN ('active', 'closed'))
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'A member firm that holds accounts and charges commission';

CREATE TABLE fee_schedules (
    broker_id BIGINT NOT NULL COMMENT 'The broker',
    valid_from DATE NOT NULL COMMENT 'First business date of the rate',
    commission_rate DECIMAL(9, 8) NOT NULL COMMENT 'Share of the gross value: 0.00015 is 0.015 percent; parts of a won are cut off',
    CONSTRAINT fee_schedules_pk PRIMARY KEY (broker_id, valid_from),
    CONSTRAINT fee_schedules_broker_fk FOREIGN KEY (broker_id) REFERENCES brokers (broker_id),
    CONSTRAINT fee_schedules_rate_ck CHECK (commission_rate BETWEEN 0 AND 1)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'Commission of a broker on both sides of a trade, by business date';

CREATE TABLE accounts (
    account_id BIGINT NOT NULL COMMENT 'Number of the account: 1 house, 2 fees, 3 tax, 4 bank, 5 issuer, customers from 1001',
    user_id BIGINT NOT NULL COMMENT 'Owner of the account',
    broker_id BIGINT NOT NULL COMMENT 'Broker that holds the account',
    account_no VARCHAR(24) NOT NULL COMMENT 'Number printed on statements',
    kind VARCHAR(16) NOT NULL DEFAULT 'customer' COMMENT 'customer, or which account of the house',
    status VARCHAR(16) NOT NULL DEFAULT 'active' COMMENT 'active, suspended or closed: only an active account places orders',
    tax_exempt BOOLEAN NOT NULL DEFAULT false COMMENT 'True for market makers, who pay no tax on sales',
    cash_won BIGINT NOT NULL DEFAULT 0 COMMENT 'Cash of a customer, equal to the sum of the KRW entries; 0 for the house',
    reserved_won BIGINT NOT NULL DEFAULT 0 COMMENT 'Part of the cash held for open buy orders, fees included',
    opened_at DATETIME(6) NOT NULL COMMENT 'When the account was opened, UTC',
    CONSTRAINT accounts_pk PRIMARY KEY (account_id),
    CONSTRAINT accounts_no_uq UNIQUE (account_no),
    CONSTRAINT accounts_user_fk FOREIGN KEY (user_id) REFERENCES users (user_id),
    CONSTRAINT accounts_broker_fk FOREIGN KEY (broker_id) REFERENCES brokers (broker_id),
    CONSTRAINT accounts_kind_ck CHECK (kind IN ('customer', 'house', 'fees', 'tax', 'bank', 'issuer')),
    CONSTRAINT accounts_status_ck CHECK (status IN ('active', 'suspended', 'closed')),
    CONSTRAINT accounts_reserved_ck CHECK (reserved_won >= 0 AND reserved_won <= cash_won),
    CONSTRAINT accounts_house_ck CHECK (kind = 'customer' OR cash_won = 0),
    INDEX accounts_user_ix (user_id),
    INDEX accounts_broker_ix (broker_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'A cash account of a user at a broker; ids below 1000 are the house: their money is the sum of their entries, never a row that every trade waits for';
