-- Orders and the trades they became.

-- A rule of several columns is a function in these tables, for the same reason as a rule of one is a domain.
CREATE FUNCTION order_holds(
    side order_side, kind order_kind, limit_won positive_bigint, quantity positive_bigint, filled_quantity unsigned_bigint,
    reserved_won unsigned_bigint, status order_status, reason varchar, closed_event_id bigint
)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $body$
BEGIN
    RETURN (kind = 'limit') = (limit_won IS NOT NULL)
        AND filled_quantity <= quantity
        AND CASE status
            WHEN 'open' THEN kind = 'limit' AND filled_quantity < quantity AND closed_event_id IS NULL AND reason IS NULL
            WHEN 'filled' THEN filled_quantity = quantity AND closed_event_id IS NOT NULL AND reason IS NULL
            WHEN 'cancelled' THEN filled_quantity < quantity AND closed_event_id IS NOT NULL AND reason IS NOT NULL
            ELSE filled_quantity = 0 AND closed_event_id IS NOT NULL AND reason IS NOT NULL
        END
        AND (reserved_won = 0 OR (status = 'open' AND side = 'buy'));
END
$body$;
COMMENT ON FUNCTION order_holds(order_side, order_kind, positive_bigint, positive_bigint, unsigned_bigint, unsigned_bigint, order_status, varchar, bigint) IS 'True where the columns of an order agree: price with kind, fills and end with status, reservation with an open buy';

CREATE FUNCTION trade_holds(
    taker_side order_side, buy_order_id bigint, sell_order_id bigint,
    buy_fee_won unsigned_bigint, sell_fee_won unsigned_bigint, sell_tax_won unsigned_bigint
)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $body$
BEGIN
    RETURN CASE WHEN taker_side = 'buy' THEN buy_order_id ELSE sell_order_id END IS NOT NULL
        AND (buy_order_id IS NOT NULL OR buy_fee_won = 0)
        AND (sell_order_id IS NOT NULL OR (sell_fee_won = 0 AND sell_tax_won = 0));
END
$body$;
COMMENT ON FUNCTION trade_holds(order_side, bigint, bigint, unsigned_bigint, unsigned_bigint, unsigned_bigint) IS 'True where the taker has an order, and the house, which has none, pays neither fee nor tax';

CREATE TABLE orders (
    order_id bigint NOT NULL,
    account_id bigint NOT NULL,
    idempotency_key request_key NOT NULL,
    symbol varchar(6) COLLATE "C" NOT NULL,
    side order_side NOT NULL,
    kind order_kind NOT NULL,
    limit_won positive_bigint NULL,
    quantity positive_bigint NOT NULL,
    filled_quantity unsigned_bigint NOT NULL DEFAULT 0,
    reserved_won unsigned_bigint NOT NULL DEFAULT 0,
    status order_status NOT NULL,
    reason varchar(24) COLLATE "C" NULL,
    resting_won bigint GENERATED ALWAYS AS (CASE WHEN status = 'open' THEN limit_won END) STORED NULL,
    portfolio_id bigint NULL,
    condition_id bigint NULL,
    prediction_id bigint NULL,
    business_date date NOT NULL,
    placed_at timestamp(6) with time zone NOT NULL,
    closed_event_id bigint NULL,
    recorded_at timestamp(6) with time zone NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT orders_pk PRIMARY KEY (order_id),
    CONSTRAINT orders_key_uq UNIQUE (account_id, idempotency_key),
    CONSTRAINT orders_account_fk FOREIGN KEY (account_id) REFERENCES accounts (account_id),
    CONSTRAINT orders_stock_fk FOREIGN KEY (symbol) REFERENCES stocks (symbol),
    CONSTRAINT orders_portfolio_fk FOREIGN KEY (portfolio_id) REFERENCES portfolios (portfolio_id),
    CONSTRAINT orders_condition_fk FOREIGN KEY (condition_id) REFERENCES conditions (condition_id),
    CONSTRAINT orders_prediction_fk FOREIGN KEY (prediction_id) REFERENCES predictions (prediction_id),
    CONSTRAINT orders_state_ck CHECK (
        order_holds(side, kind, limit_won, quantity, filled_quantity, reserved_won, status, reason, closed_event_id)
    )
) WITH (fillfactor = 90);
CREATE INDEX orders_book_ix ON orders (symbol, side, resting_won, order_id);
CREATE INDEX orders_portfolio_ix ON orders (portfolio_id) WHERE portfolio_id IS NOT NULL;
CREATE INDEX orders_condition_ix ON orders (condition_id) WHERE condition_id IS NOT NULL;
CREATE INDEX orders_prediction_ix ON orders (prediction_id) WHERE prediction_id IS NOT NULL;
COMMENT ON TABLE orders IS 'Every order that named a known account and issue, refused ones included';
COMMENT ON COLUMN orders.order_id IS 'Number of the order, from event_ids: its place in time within the issue';
COMMENT ON COLUMN orders.account_id IS 'Account that placed it';
COMMENT ON COLUMN orders.idempotency_key IS 'The caller''s own name for this order: the same key again answers the same thing';
COMMENT ON COLUMN orders.symbol IS 'The issue';
COMMENT ON COLUMN orders.side IS 'buy or sell';
COMMENT ON COLUMN orders.kind IS 'limit or market';
COMMENT ON COLUMN orders.limit_won IS 'Limit price; NULL for a market order';
COMMENT ON COLUMN orders.quantity IS 'Shares ordered';
COMMENT ON COLUMN orders.filled_quantity IS 'Shares traded so far: the sum of its trades';
COMMENT ON COLUMN orders.reserved_won IS 'Cash held for what is left of an open buy order, its highest fee included';
COMMENT ON COLUMN orders.status IS 'open (it rests in the book), filled, cancelled or rejected';
COMMENT ON COLUMN orders.reason IS 'Why it was rejected or cancelled: one of a closed list';
COMMENT ON COLUMN orders.resting_won IS 'Limit price while the order rests in the book, else NULL: what the book is read by';
COMMENT ON COLUMN orders.portfolio_id IS 'Portfolio that asked for it, if one did';
COMMENT ON COLUMN orders.condition_id IS 'Condition that asked for it, if one did';
COMMENT ON COLUMN orders.prediction_id IS 'Prediction that led to it, if one did';
COMMENT ON COLUMN orders.business_date IS 'Business date in KST that it is good for';
COMMENT ON COLUMN orders.placed_at IS 'When it came in by the market''s clock, UTC';
COMMENT ON COLUMN orders.closed_event_id IS 'Event that ended it: its last trade, its cancellation, its rejection';
COMMENT ON COLUMN orders.recorded_at IS 'When the server wrote it, by the server''s clock, UTC';

CREATE TABLE trades (
    trade_id bigint NOT NULL,
    symbol varchar(6) COLLATE "C" NOT NULL,
    buy_order_id bigint NULL,
    sell_order_id bigint NULL,
    taker_side order_side NOT NULL,
    price_won positive_bigint NOT NULL,
    quantity positive_bigint NOT NULL,
    value_won bigint GENERATED ALWAYS AS (price_won * quantity) STORED NOT NULL,
    buy_fee_won unsigned_bigint NOT NULL,
    sell_fee_won unsigned_bigint NOT NULL,
    sell_tax_won unsigned_bigint NOT NULL,
    business_date date NOT NULL,
    settles_on date NOT NULL,
    traded_at timestamp(6) with time zone NOT NULL,
    CONSTRAINT trades_pk PRIMARY KEY (trade_id),
    CONSTRAINT trades_stock_fk FOREIGN KEY (symbol) REFERENCES stocks (symbol),
    CONSTRAINT trades_buy_fk FOREIGN KEY (buy_order_id) REFERENCES orders (order_id),
    CONSTRAINT trades_sell_fk FOREIGN KEY (sell_order_id) REFERENCES orders (order_id),
    CONSTRAINT trades_sides_ck CHECK (
        trade_holds(taker_side, buy_order_id, sell_order_id, buy_fee_won, sell_fee_won, sell_tax_won)
    ),
    CONSTRAINT trades_settles_ck CHECK (settles_on > business_date)
);
CREATE INDEX trades_buy_ix ON trades (buy_order_id);
CREATE INDEX trades_sell_ix ON trades (sell_order_id);
CREATE INDEX trades_symbol_ix ON trades (symbol, trade_id);
COMMENT ON TABLE trades IS 'A buyer and a seller met; never changed and never deleted';
COMMENT ON COLUMN trades.trade_id IS 'Number of the trade, from event_ids; also the number of its journal';
COMMENT ON COLUMN trades.symbol IS 'The issue';
COMMENT ON COLUMN trades.buy_order_id IS 'Order of the buyer; NULL where the house bought';
COMMENT ON COLUMN trades.sell_order_id IS 'Order of the seller; NULL where the house sold from its inventory';
COMMENT ON COLUMN trades.taker_side IS 'Side of the order that came in: the other one was resting, or was the house';
COMMENT ON COLUMN trades.price_won IS 'Price of one share';
COMMENT ON COLUMN trades.quantity IS 'Shares';
COMMENT ON COLUMN trades.value_won IS 'Price times quantity';
COMMENT ON COLUMN trades.buy_fee_won IS 'Commission of the buyer';
COMMENT ON COLUMN trades.sell_fee_won IS 'Commission of the seller';
COMMENT ON COLUMN trades.sell_tax_won IS 'Tax of the seller';
COMMENT ON COLUMN trades.business_date IS 'Business date in KST';
COMMENT ON COLUMN trades.settles_on IS 'Settlement date: decides the tax rate';
COMMENT ON COLUMN trades.traded_at IS 'When it happened by the market''s clock, UTC';

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, lower(TG_OP)
        USING ERRCODE = 'P0001', HINT = 'Write a new row that corrects the old one.';
END
$body$;
COMMENT ON FUNCTION refuse_change() IS 'Holds append-only tables against everybody, their owner included';

CREATE TRIGGER trades_append_only BEFORE UPDATE OR DELETE ON trades
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TYPE order_answer AS (
    status varchar(16),
    reason varchar(24),
    order_id bigint,
    filled_quantity bigint,
    filled_value_won bigint,
    fee_won bigint,
    tax_won bigint,
    replayed boolean
);
COMMENT ON TYPE order_answer IS 'What place_order and cancel_order answer with';

CREATE TYPE batch_line AS (
    position_no bigint,
    turn bigint,
    together boolean,
    key varchar(64),
    account_id bigint,
    symbol varchar(6),
    side varchar(4),
    kind varchar(8),
    limit_won bigint,
    quantity bigint,
    portfolio_id bigint,
    condition_id bigint,
    prediction_id bigint,
    user_id bigint,
    rate numeric,
    tax_exempt boolean,
    reason varchar(24),
    recorded boolean
);
COMMENT ON TYPE batch_line IS 'One order of place_orders, what is known of it before anything is traded, and its turn within its symbol';
