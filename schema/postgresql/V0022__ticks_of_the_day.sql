-- Every issue keeps the price steps of its day, as it keeps its limits: an order reads them with the row that it locks.

-- NULL until the issue's next day opens, and where its limits span more than two steps: tick_sizes is asked there, as before.
ALTER TABLE stock_inventory
    ADD COLUMN tick_won positive_bigint NULL,
    ADD COLUMN high_tick_from_won bigint NULL,
    ADD COLUMN high_tick_won positive_bigint NULL;
COMMENT ON COLUMN stock_inventory.tick_won IS 'Price step from lower_won on; NULL where tick_sizes has to be asked';
COMMENT ON COLUMN stock_inventory.high_tick_from_won IS 'Price within the limits from which high_tick_won is the step; NULL where tick_won holds for all of them';
COMMENT ON COLUMN stock_inventory.high_tick_won IS 'Price step from high_tick_from_won on; NULL with it';
