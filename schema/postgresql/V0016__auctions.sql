-- Call auctions: at the opening, at the close, and where an issue's price moved too far.

CREATE TABLE auctions (
    auction_id bigint NOT NULL,
    symbol varchar(6) COLLATE "C" NOT NULL,
    business_date date NOT NULL,
    kind varchar(16) COLLATE "C" NOT NULL,
    status varchar(16) COLLATE "C" NOT NULL DEFAULT 'collecting',
    started_at timestamp(6) with time zone NOT NULL,
    ends_at timestamp(6) with time zone NOT NULL,
    reference_won bigint NULL,
    price_won bigint NULL,
    volume bigint NOT NULL DEFAULT 0,
    uncrossed_event_id bigint NULL,
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
);
COMMENT ON TABLE auctions IS 'A call auction of one issue: orders rest without being matched until it is uncrossed at a single price';
COMMENT ON COLUMN auctions.auction_id IS 'Number of the auction, from event_ids: when it began to collect';
COMMENT ON COLUMN auctions.symbol IS 'The issue';
COMMENT ON COLUMN auctions.business_date IS 'Business date in KST';
COMMENT ON COLUMN auctions.kind IS 'opening, closing, or the volatility interruption that called it: static or dynamic';
COMMENT ON COLUMN auctions.status IS 'collecting, uncrossed, or void: the issue was not listed any more at its end';
COMMENT ON COLUMN auctions.started_at IS 'When it began by the market''s clock, UTC';
COMMENT ON COLUMN auctions.ends_at IS 'When it is uncrossed by the market''s clock, UTC: the moment of its trades';
COMMENT ON COLUMN auctions.reference_won IS 'Last price before it was uncrossed: of prices that are as good, the nearest to it is taken';
COMMENT ON COLUMN auctions.price_won IS 'The single price; NULL where nothing could be traded';
COMMENT ON COLUMN auctions.volume IS 'Shares traded at the single price';
COMMENT ON COLUMN auctions.uncrossed_event_id IS 'Event of its end: orders before it took part, its trades come after it';

-- Neither column has a foreign key: every trade and every order would pay for it. The invariant auction_price looks instead.
ALTER TABLE stock_inventory ADD COLUMN auction_id bigint NULL;
COMMENT ON COLUMN stock_inventory.auction_id IS 'Call auction that collects the orders of the issue right now; NULL in continuous trading';
ALTER TABLE trades ADD COLUMN auction_id bigint NULL;
COMMENT ON COLUMN trades.auction_id IS 'Call auction that it was traded in; NULL in continuous trading';
COMMENT ON COLUMN trades.taker_side IS 'Side of the order that came in: the other one was resting, or was the house; in an auction, of the later order';

CREATE TABLE interruption_limits (
    market varchar(8) COLLATE "C" NOT NULL,
    kind varchar(16) COLLATE "C" NOT NULL,
    valid_from date NOT NULL,
    limit_bp integer NOT NULL,
    lasts_s integer NOT NULL,
    CONSTRAINT interruption_limits_pk PRIMARY KEY (market, kind, valid_from),
    CONSTRAINT interruption_limits_kind_ck CHECK (kind IN ('static', 'dynamic')),
    CONSTRAINT interruption_limits_bp_ck CHECK (limit_bp BETWEEN 1 AND 10000),
    CONSTRAINT interruption_limits_lasts_ck CHECK (lasts_s BETWEEN 1 AND 3600)
);
COMMENT ON TABLE interruption_limits IS 'How far a price may move before the issue goes to a call auction; the newest valid_from of a kind is in force';
COMMENT ON COLUMN interruption_limits.market IS 'Market code: KOSPI, KOSDAQ, KONEX';
COMMENT ON COLUMN interruption_limits.kind IS 'static: from the last single price of the day, or the base price; dynamic: from the trade before';
COMMENT ON COLUMN interruption_limits.valid_from IS 'First business date of the limit';
COMMENT ON COLUMN interruption_limits.limit_bp IS 'Limit in basis points: 1000 is 10 percent';
COMMENT ON COLUMN interruption_limits.lasts_s IS 'How long the auction collects, in seconds';

INSERT INTO interruption_limits (market, kind, valid_from, limit_bp, lasts_s) VALUES
('KOSPI', 'static', '2015-06-15', 1000, 120),
('KOSPI', 'dynamic', '2015-06-15', 600, 120),
('KOSDAQ', 'static', '2015-06-15', 1000, 120),
('KOSDAQ', 'dynamic', '2015-06-15', 600, 120);

COMMENT ON COLUMN market_sessions.matching IS 'How orders meet: in a continuous session at once, in an auction when it ends; in the others place_order takes none';
