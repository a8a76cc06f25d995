-- Call auctions: at the opening, at the close, and where an issue's price moved too far.

CREATE TABLE auctions (
    auction_id BIGINT NOT NULL COMMENT 'Number of the auction, from event_ids: when it began to collect',
    symbol VARCHAR(6) NOT NULL COMMENT 'The issue',
    business_date DATE NOT NULL COMMENT 'Business date in KST',
    kind VARCHAR(16) NOT NULL COMMENT 'opening, closing, or the volatility interruption that called it: static or dynamic',
    status VARCHAR(16) NOT NULL DEFAULT 'collecting' COMMENT 'collecting, uncrossed, or void: the issue was not listed any more at its end',
    started_at DATETIME(6) NOT NULL COMMENT 'When it began by the market''s clock, UTC',
    ends_at DATETIME(6) NOT NULL COMMENT 'When it is uncrossed by the market''s clock, UTC: the moment of its trades',
    reference_won BIGINT NULL COMMENT 'Last price before it was uncrossed: of prices that are as good, the nearest to it is taken',
    price_won BIGINT NULL COMMENT 'The single price; NULL where nothing could be traded',
    volume BIGINT NOT NULL DEFAULT 0 COMMENT 'Shares traded at the single price',
    uncrossed_event_id BIGINT NULL COMMENT 'Event of its end: orders before it took part, its trades come after it',
    CONSTRAINT auctions_pk PRIMARY KEY (auction_id),
    CONSTRAINT auctions_symbol_uq UNIQUE (symbol, business_date, auction_id),
    CONSTRAINT auctions_stock_fk FOREIGN KEY (symbol) REFERENCES stocks (symbol),
    CONSTRAINT auctions_kind_ck CHECK (kind IN ('opening', 'closing', 'static', 'dynamic')),
    CONSTRAINT auctions_hours_ck CHECK (started_at <= ends_at),
    CONSTRAINT auctions_volume_ck CHECK ((price_won IS NULL AND volume = 0) OR (price_won >= 1 AND volume >= 1)),
    CONSTRAINT auctions_status_ck CHECK (
        (status = 'collecting' AND reference_won IS NULL AND price_won IS NULL AND uncrossed_event_id IS NULL)
        OR (status = 'uncrossed' AND reference_won IS NOT NULL AND uncrossed_event_id IS NOT NULL)
        OR (status = 'void' AND reference_won IS NOT NULL AND price_won IS NULL AND uncrossed_event_id IS NOT NULL)
    )
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'A call auction of one issue: orders rest without being matched until it is uncrossed at a single price';

-- Neither column has a foreign key: every trade and every order would pay for it. The invariant auction_price looks instead.
ALTER TABLE stock_inventory
    ADD COLUMN auction_id BIGINT NULL COMMENT 'Call auction that collects the orders of the issue right now; NULL in continuous trading';
ALTER TABLE trades
    ADD COLUMN auction_id BIGINT NULL COMMENT 'Call auction that it was traded in; NULL in continuous trading',
    MODIFY COLUMN taker_side VARCHAR(4) NOT NULL COMMENT 'Side of the order that came in: the other one was resting, or was the house; in an auction, of the later order';

CREATE TABLE interruption_limits (
    market VARCHAR(8) NOT NULL COMMENT 'Market code: KOSPI, KOSDAQ, KONEX',
    kind VARCHAR(16) NOT NULL COMMENT 'static: from the last single price of the day, or the base price; dynamic: from the trade before',
    valid_from DATE NOT NULL COMMENT 'First business date of the limit',
    limit_bp INT NOT NULL COMMENT 'Limit in basis points: 1000 is 10 percent',
    lasts_s INT NOT NULL COMMENT 'How long the auction collects, in seconds',
    CONSTRAINT interruption_limits_pk PRIMARY KEY (market, kind, valid_from),
    CONSTRAINT interruption_limits_kind_ck CHECK (kind IN ('static', 'dynamic')),
    CONSTRAINT interruption_limits_bp_ck CHECK (limit_bp BETWEEN 1 AND 10000),
    CONSTRAINT interruption_limits_lasts_ck CHECK (lasts_s BETWEEN 1 AND 3600)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'How far a price may move before the issue goes to a call auction; the newest valid_from of a kind is in force';

INSERT INTO interruption_limits (market, kind, valid_from, limit_bp, lasts_s) VALUES
('KOSPI', 'static', '2015-06-15', 1000, 120),
('KOSPI', 'dynamic', '2015-06-15', 600, 120),
('KOSDAQ', 'static', '2015-06-15', 1000, 120),
('KOSDAQ', 'dynamic', '2015-06-15', 600, 120);

ALTER TABLE market_sessions
    MODIFY COLUMN matching VARCHAR(16) NOT NULL COMMENT 'How orders meet: in a continuous session at once, in an auction when it ends; in the others place_order takes none';
