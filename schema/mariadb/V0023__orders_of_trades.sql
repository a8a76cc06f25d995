-- The indexes of trades by order are partial on PostgreSQL. MariaDB has no partial indexes: they hold the trades with the
-- house here, too.

ALTER TABLE trades COMMENT = 'A buyer and a seller met; never changed and never deleted';
