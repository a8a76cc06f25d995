-- Orders and the trades they became.
-- nullable: trades.value_won (a generated column cannot be declared NOT NULL); price_won and quantity are, so it never is NULL

CREATE TABLE orders (
    order_id BIGINT NOT NULL COMMENT 'Number of the order, from event_ids: its place in time within the issue',
    account_id BIGINT NOT NULL COMMENT 'Account that placed it',
    idempotency_key VARCHAR(64) NOT NULL COMMENT 'The caller''s own name for this order: the same key again answers the same thing',
    symbol VARCHAR(6) NOT NULL COMMENT 'The issue',
    side VARCHAR(4) NOT NULL COMMENT 'buy or sell',
    kind VARCHAR(8) NOT NULL COMMENT 'limit or market',
    limit_won BIGINT NULL COMMENT 'Limit price; NULL for a market order',
    quantity BIGINT NOT NULL COMMENT 'Shares ordered',
    filled_quantity BIGINT NOT NULL DEFAULT 0 COMMENT 'Shares traded so far: the sum of its trades',
    reserved_won BIGINT NOT NULL DEFAULT 0 COMMENT 'Cash held for what is left of an open buy order, its highest fee included',
    status VARCHAR(16) NOT NULL COMMENT 'open (it rests in the book), filled, cancelled or rejected',
    reason VARCHAR(24) NULL COMMENT 'Why it was rejected or cancelled: one of a closed list',
    resting_won BIGINT GENERATED ALWAYS AS (CASE WHEN status = 'open' THEN limit_won END) STORED COMMENT 'Limit price while the order rests in the book, else NULL: what the book is read by',
    portfolio_id BIGINT NULL COMMENT 'Portfolio that asked for it, if one did',
    condition_id BIGINT NULL COMMENT 'Condition that asked for it, if one did',
    prediction_id BIGINT NULL COMMENT 'Prediction that led to it, if one did',
    business_date DATE NOT NULL COMMENT 'Business date in KST that it is good for',
    placed_at DATETIME(6) NOT NULL COMMENT 'When it came in by the market''s clock, UTC',
    closed_event_id BIGINT NULL COMMENT 'Event that ended it: its last trade, its cancellation, its rejection',
    recorded_at DATETIME(6) NOT NULL DEFAULT (utc_timestamp(6)) COMMENT 'When the server wrote it, by the server''s clock, UTC',
    CONSTRAINT orders_pk PRIMARY KEY (order_id),
    CONSTRAINT orders_key_uq UNIQUE (account_id, idempotency_key),
    CONSTRAINT orders_account_fk FOREIGN KEY (account_id) REFERENCES accounts (account_id),
    CONSTRAINT orders_stock_fk FOREIGN KEY (symbol) REFERENCES stocks (symbol),
    CONSTRAINT orders_portfolio_fk FOREIGN KEY (portfolio_id) REFERENCES portfolios (portfolio_id),
    CONSTRAINT orders_condition_fk FOREIGN KEY (condition_id) REFERENCES conditions (condition_id),
    CONSTRAINT orders_prediction_fk FOREIGN KEY (prediction_id) REFERENCES predictions (prediction_id),
    CONSTRAINT orders_key_ck CHECK (idempotency_key <> ''),
    CONSTRAINT orders_side_ck CHECK (side IN ('buy', 'sell')),
    CONSTRAINT orders_kind_ck CHECK (
        (kind = 'limit' AND limit_won IS NOT NULL AND limit_won >= 1) OR (kind = 'market' AND limit_won IS NULL)
    ),
    CONSTRAINT orders_quantity_ck CHECK (quantity >= 1 AND filled_quantity BETWEEN 0 AND quantity),
    CONSTRAINT orders_status_ck CHECK (
        (status = 'open' AND kind = 'limit' AND filled_quantity < quantity AND closed_event_id IS NULL AND reason IS NULL)
        OR (status = 'filled' AND filled_quantity = quantity AND closed_event_id IS NOT NULL AND reason IS NULL)
        OR (status = 'cancelled' AND filled_quantity < quantity AND closed_event_id IS NOT NULL AND reason IS NOT NULL)
        OR (status = 'rejected' AND filled_quantity = 0 AND closed_event_id IS NOT NULL AND reason IS NOT NULL)
    ),
    CONSTRAINT orders_reserved_ck CHECK (reserved_won >= 0 AND (reserved_won = 0 OR (status = 'open' AND side = 'buy'))),
    INDEX orders_book_ix (symbol, side, resting_won, order_id),
    INDEX orders_portfolio_ix (portfolio_id),
    INDEX orders_condition_ix (condition_id),
    INDEX orders_prediction_ix (prediction_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'Every order that named a known account and issue, refused ones included';

CREATE TABLE trades (
    trade_id BIGINT NOT NULL COMMENT 'Number of the trade, from event_ids; also the number of its journal',
    symbol VARCHAR(6) NOT NULL COMMENT 'The issue',
    buy_order_id BIGINT NULL COMMENT 'Order of the buyer; NULL where the house bought',
    sell_order_id BIGINT NULL COMMENT 'Order of the seller; NULL where the house sold from its inventory',
    taker_side VARCHAR(4) NOT NULL COMMENT 'Side of the order that came in: the other one was resting, or was the house',
    price_won BIGINT NOT NULL COMMENT 'Price of one share',
    quantity BIGINT NOT NULL COMMENT 'Shares',
    value_won BIGINT GENERATED ALWAYS AS (price_won * quantity) STORED COMMENT 'Price times quantity',
    buy_fee_won BIGINT NOT NULL COMMENT 'Commission of the buyer',
    sell_fee_won BIGINT NOT NULL COMMENT 'Commission of the seller',
    sell_tax_won BIGINT NOT NULL COMMENT 'Tax of the seller',
    business_date DATE NOT NULL COMMENT 'Business date in KST',
    settles_on DATE NOT NULL COMMENT 'Settlement date: decides the tax rate',
    traded_at DATETIME(6) NOT NULL COMMENT 'When it happened by the market''s clock, UTC',
    CONSTRAINT trades_pk PRIMARY KEY (trade_id),
    CONSTRAINT trades_stock_fk FOREIGN KEY (symbol) REFERENCES stocks (symbol),
    CONSTRAINT trades_buy_fk FOREIGN KEY (buy_order_id) REFERENCES orders (order_id),
    CONSTRAINT trades_sell_fk FOREIGN KEY (sell_order_id) REFERENCES orders (order_id),
    CONSTRAINT trades_sides_ck CHECK (
        (taker_side = 'buy' AND buy_order_id IS NOT NULL) OR (taker_side = 'sell' AND sell_order_id IS NOT NULL)
    ),
    CONSTRAINT trades_amounts_ck CHECK (price_won >= 1 AND quantity >= 1),
    CONSTRAINT trades_fees_ck CHECK (buy_fee_won >= 0 AND sell_fee_won >= 0 AND sell_tax_won >= 0),
    CONSTRAINT trades_house_ck CHECK (
        (buy_order_id IS NOT NULL OR buy_fee_won = 0)
        AND (sell_order_id IS NOT NULL OR (sell_fee_won = 0 AND sell_tax_won = 0))
    ),
    CONSTRAINT trades_settles_ck CHECK (settles_on > business_date),
    INDEX trades_buy_ix (buy_order_id),
    INDEX trades_sell_ix (sell_order_id),
    INDEX trades_symbol_ix (symbol, trade_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_nopad_bin
    COMMENT = 'A buyer and a seller met; never changed and never deleted';

CREATE TRIGGER trades_append_only_update BEFORE UPDATE ON trades FOR EACH ROW
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'trades is append-only: update refused';
CREATE TRIGGER trades_append_only_delete BEFORE DELETE ON trades FOR EACH ROW
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'trades is append-only: delete refused';
