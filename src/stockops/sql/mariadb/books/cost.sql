-- What the shares of every position cost is what was paid for them; each sale takes its part of that along, parts of a won cut off; opening shares cost the close of their day.
-- Each position is followed event by event, in one pass over all of them in order: variables carry on what the rows before
-- came to, at half of what a sale at a time takes. They are cast where they are read, for an older value has another type.
-- An order that takes is one event, however many orders it meets; each fill of an order that rests is one of its own, and each
-- fill in an auction. What an event moves in several rows is added up before it takes its part of the cost along.
-- A position begins with nothing, and ends with what it says that it cost: two rows, with the least and the largest number.
-- What comes without a position between two of them is of no cost.
-- Of a corporate action what it pays out is sold, and the rest costs what it cost, however many shares it becomes.
WITH opening AS (
    SELECT j.account_id, j.asset AS symbol, j.journal_id AS event_id, j.amount AS quantity, j.amount * p.close_won AS value_won
    FROM journal_entries AS j IGNORE INDEX (journal_entries_account_ix)
    LEFT JOIN stock_prices AS p ON p.symbol = j.asset AND p.price_date = j.business_date
    WHERE
        j.asset <> 'KRW' AND j.kind IN ('open', 'deposit')
        AND j.account_id NOT IN (SELECT a.account_id FROM accounts AS a WHERE a.kind <> 'customer')
),
parts AS (
    SELECT
        o.account_id, t.symbol, CASE WHEN t.taker_side = 'buy' AND t.auction_id IS NULL THEN t.buy_order_id ELSE t.trade_id END AS event_id, t.quantity,
        t.price_won * t.quantity AS value_won, 0 AS new_shares, 0 AS old_shares
    FROM trades AS t
    STRAIGHT_JOIN orders AS o ON o.order_id = t.buy_order_id
    UNION ALL
    SELECT
        o.account_id, t.symbol, CASE WHEN t.taker_side = 'sell' AND t.auction_id IS NULL THEN t.sell_order_id ELSE t.trade_id END, -t.quantity,
        0, 0, 0
    FROM trades AS t
    STRAIGHT_JOIN orders AS o ON o.order_id = t.sell_order_id
    UNION ALL
    SELECT p.account_id, p.symbol, p.event_id, p.quantity, p.value_won, 0, 0 FROM opening AS p
    UNION ALL
    SELECT l.account_id, a.symbol, l.journal_id, l.quantity_after - l.quantity_before, 0, coalesce(a.new_shares, 0), coalesce(a.old_shares, 0)
    FROM corporate_action_lines AS l
    JOIN corporate_actions AS a ON a.action_id = l.action_id
    UNION ALL
    SELECT p.account_id, p.symbol, w.event_id, 0, p.cost_won, 0, 0
    FROM positions AS p
    -- A variable has to be there before what reads it is looked at.
    CROSS JOIN (
        SELECT -9223372036854775808 AS event_id, @stockops_event := 0 AS v, @stockops_held := 0 AS w, @stockops_moved := 0 AS x, @stockops_paid := NULL AS y, @stockops_cost := NULL AS z
        UNION ALL
        SELECT 9223372036854775807, 0, 0, 0, NULL, NULL
    ) AS w
),
followed AS (
    SELECT
        account_id, symbol, event_id, value_won,
        @stockops_held := CASE event_id WHEN -9223372036854775808 THEN 0 WHEN CAST(@stockops_event AS SIGNED) THEN CAST(@stockops_held AS SIGNED) ELSE CAST(@stockops_held AS SIGNED) + CAST(@stockops_moved AS SIGNED) END AS held_before,
        @stockops_moved := CASE event_id WHEN CAST(@stockops_event AS SIGNED) THEN CAST(@stockops_moved AS SIGNED) ELSE 0 END + quantity AS moved,
        @stockops_paid := CASE event_id
            WHEN -9223372036854775808 THEN 0
            WHEN 9223372036854775807 THEN CAST(@stockops_cost AS SIGNED)
            WHEN CAST(@stockops_event AS SIGNED) THEN CAST(@stockops_paid AS SIGNED) + value_won
            ELSE CAST(@stockops_cost AS SIGNED) + value_won
        END AS paid_won,
        @stockops_cost := CAST(@stockops_paid AS SIGNED) - CASE
            WHEN event_id = 9223372036854775807 THEN NULL
            WHEN new_shares > 0 THEN CAST(CAST(@stockops_paid AS SIGNED) AS DECIMAL(38, 0)) * mod(CAST(@stockops_held AS SIGNED) * new_shares, old_shares) DIV greatest(CAST(@stockops_held AS SIGNED) * new_shares, 1)
            WHEN CAST(@stockops_moved AS SIGNED) < 0 THEN CAST(CAST(@stockops_paid AS SIGNED) AS DECIMAL(38, 0)) * -CAST(@stockops_moved AS SIGNED) DIV greatest(CAST(@stockops_held AS SIGNED), 1)
            ELSE 0
        END AS cost_won,
        @stockops_event := event_id AS last_event_id
    FROM parts
    ORDER BY account_id, symbol, event_id
    -- Without a limit the order of a derived table is no order.
    LIMIT 18446744073709551615
),
due AS (
    SELECT account_id, symbol, value_won AS cost_won, paid_won AS due_won
    FROM followed
    WHERE event_id = 9223372036854775807
),
judged AS (
    SELECT
        account_id, symbol, cost_won, due_won,
        CASE WHEN cost_won <> due_won THEN 1 ELSE 0 END AS is_wrong, CASE WHEN due_won IS NULL THEN 0 ELSE 1 END AS looked_at
    FROM due
),
-- One row for all that are right, and one for each that is wrong.
told AS (
    SELECT
        is_wrong, CASE WHEN is_wrong = 1 THEN account_id END AS account_id, CASE WHEN is_wrong = 1 THEN symbol END AS symbol,
        max(cost_won) AS cost_won, max(due_won) AS due_won, sum(looked_at) AS looked_at
    FROM judged
    GROUP BY is_wrong, CASE WHEN is_wrong = 1 THEN account_id END, CASE WHEN is_wrong = 1 THEN symbol END
),
placed AS (
    SELECT
        account_id, symbol, cost_won, due_won, is_wrong,
        row_number() OVER (ORDER BY is_wrong DESC, account_id, symbol) AS place_no,
        sum(is_wrong) OVER () AS violations,
        sum(looked_at) OVER () AS looked_at
    FROM told
)
SELECT
    coalesce(n.looked_at, 0) AS looked_at,
    coalesce(n.violations, 0) AS violations,
    CASE WHEN n.is_wrong = 1 THEN concat_ws(' ', 'account', n.account_id, 'position', n.symbol) END AS entity,
    concat_ws(' ', n.due_won, 'won') AS expected,
    concat_ws(' ', n.cost_won, 'won') AS found
FROM (SELECT 1 AS n) AS one
LEFT JOIN placed AS n ON n.place_no = 1 OR (n.is_wrong = 1 AND n.place_no <= 20)
ORDER BY n.place_no
