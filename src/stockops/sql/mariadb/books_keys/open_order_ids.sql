-- Orders that are open now: of the book, found by its index, and of the new ones. An index of three columns is read up to
-- the last of them for constants only, so the symbols are written into the statement.
BEGIN NOT ATOMIC
    DECLARE v_symbols LONGTEXT DEFAULT (SELECT coalesce(group_concat(quote(symbol)), 'NULL') FROM stocks);
    EXECUTE IMMEDIATE concat(
        'SELECT json_arrayagg(k.order_id) AS open_order_ids FROM (',
        'SELECT o.order_id FROM orders AS o WHERE o.symbol IN (', v_symbols, ') AND o.side IN (''buy'', ''sell'') AND o.resting_won >= 0',
        ' UNION SELECT n.order_id FROM orders AS n WHERE n.order_id > %(event_id)s AND n.status = ''open'') AS k'
    );
END
