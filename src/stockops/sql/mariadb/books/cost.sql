-- What the shares of every position cost is what was paid for them; each sale takes its part of that along, parts of a won cut off; opening shares cost the close of their day.
-- Each position is followed sale by sale, all of them a sale further at a time.
-- An order that takes is one event, however many orders it meets; each fill of an order that rests is one of its own, and each
-- fill in an auction.
-- A step is a sale and what was bought since the one before it; the last step may be without a sale. A corporate action ends a
-- step, too: what it pays out is sold, and the rest costs what it cost, however many shares it becomes.
WITH RECURSIVE opening AS (
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
        t.price_won * t.quantity AS value_won, 0 AS acted, 0 AS new_shares, 0 AS old_shares
    FROM trades AS t
    STRAIGHT_JOIN orders AS o ON o.order_id = t.buy_order_id
    UNION ALL
    SELECT
        o.account_id, t.symbol, CASE WHEN t.taker_side = 'sell' AND t.auction_id IS NULL THEN t.sell_order_id ELSE t.trade_id END, -t.quantity,
        0, 0, 0, 0
    FROM trades AS t
    STRAIGHT_JOIN orders AS o ON o.order_id = t.sell_order_id
    UNION ALL
    SELECT p.account_id, p.symbol, p.event_id, p.quantity, p.value_won, 0, 0, 0 FROM opening AS p
    UNION ALL
    SELECT
        l.account_id, a.symbol, l.journal_id, l.quantity_after - l.quantity_before, 0, 1, coalesce(a.new_shares, 0), coalesce(a.old_shares, 0)
    FROM corporate_action_lines AS l
    JOIN corporate_actions AS a ON a.action_id = l.action_id
),
numbered AS (
    SELECT SQL_BIG_RESULT
        account_id, symbol, sum(quantity) AS quantity, CASE WHEN count(value_won) = count(*) THEN sum(value_won) END AS value_won,
        max(new_shares) AS new_shares, max(old_shares) AS old_shares, CASE WHEN sum(quantity) < 0 OR max(acted) = 1 THEN 0 ELSE 1 END AS stays,
        sum(sum(quantity)) OVER (PARTITION BY account_id, symbol ORDER BY event_id ROWS UNBOUNDED PRECEDING) AS held,
        sum(CASE WHEN sum(quantity) < 0 OR max(acted) = 1 THEN 1 ELSE 0 END) OVER (PARTITION BY account_id, symbol ORDER BY event_id ROWS UNBOUNDED PRECEDING) AS sales
    FROM parts
    GROUP BY account_id, symbol, event_id
),
steps AS (
    SELECT SQL_BIG_RESULT
        account_id, symbol, sales + stays AS step_no,
        CASE WHEN count(value_won) = count(*) THEN sum(value_won) END AS bought_won,
        sum(
            CASE
                WHEN new_shares > 0 THEN mod((held - quantity) * new_shares, old_shares)
                WHEN quantity < 0 THEN -quantity
                ELSE 0
            END
        ) AS sold,
        max(CASE WHEN new_shares > 0 THEN (held - quantity) * new_shares WHEN quantity < 0 THEN held - quantity ELSE 0 END) AS held_before,
        count(*) OVER (PARTITION BY account_id, symbol) AS last_no
    FROM numbered
    GROUP BY account_id, symbol, sales + stays
),
costs (account_id, symbol, stated_won, step_no, last_no, cost_won) AS (
    SELECT account_id, symbol, cost_won, 0, -1, CAST(0 AS DECIMAL(38, 0)) FROM positions
    UNION ALL
    SELECT
        c.account_id, c.symbol, c.stated_won, c.step_no + 1, s.last_no,
        c.cost_won + s.bought_won - CASE WHEN s.sold = 0 THEN 0 ELSE (c.cost_won + s.bought_won) * s.sold DIV greatest(s.held_before, 1) END
    FROM costs AS c
    STRAIGHT_JOIN steps AS s ON s.account_id = c.account_id AND s.symbol = c.symbol AND s.step_no = c.step_no + 1
),
due AS (
    SELECT
        account_id, symbol, max(stated_won) AS cost_won,
        CASE WHEN max(step_no = last_no) = 1 THEN max(CASE WHEN step_no = last_no THEN cost_won END) ELSE 0 END AS due_won
    FROM costs
    GROUP BY account_id, symbol
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
