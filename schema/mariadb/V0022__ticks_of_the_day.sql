-- Every issue keeps the price steps of its day, as it keeps its limits: an order reads them with the row that it locks.

-- NULL until the issue's next day opens, and where its limits span more than two steps: tick_sizes is asked there, as before.
ALTER TABLE stock_inventory
    ADD COLUMN tick_won BIGINT NULL COMMENT 'Price step from lower_won on; NULL where tick_sizes has to be asked',
    ADD COLUMN high_tick_from_won BIGINT NULL COMMENT 'Price within the limits from which high_tick_won is the step; NULL where tick_won holds for all of them',
    ADD COLUMN high_tick_won BIGINT NULL COMMENT 'Price step from high_tick_from_won on; NULL with it',
    ADD CONSTRAINT stock_inventory_tick_ck CHECK (tick_won >= 1 AND (high_tick_won IS NULL OR high_tick_won >= 1));
