-- What the shares of every position cost is what was paid for them; each sale takes its part of that along, parts of a won cut off; opening shares cost the close of their day.
-- What was never sold costs the sum of what was paid; the rest is followed event by event, in one pass through each position's.
-- An order that takes is one event, however many orders it meets; each fill of an order that rests is one of its own, and each
-- fill in an auction. What a corporate action pays out is sold, and the rest costs what it cost, however many shares it becomes.
-- The events of a position go along as arrays: a recursion over a table of them would make a hash of all again at each step.
WITH opening AS (
    SELECT j.account_id, j.asset AS symbol, j.journal_id AS event_id, j.amount AS quantity, j.amount * p.close_won AS value_won
    FROM journal_entries AS j
    LEFT JOIN stock_prices AS p ON p.symbol = j.asset AND p.price_date = j.business_date
    WHERE
        j.asset <> 'KRW' AND j.kind IN ('open', 'deposit')
        AND j.account_id NOT IN (SELECT a.account_id FROM accounts AS a WHERE a.kind <> 'customer')
),
sides AS (
    SELECT
        buy_order_id AS order_id, CASE WHEN taker_side = 'buy' AND auction_id IS NULL THEN buy_order_id ELSE trade_id END AS event_id,
        symbol, quantity, price_won * quantity AS value_won
    FROM trades
    WHERE buy_order_id IS NOT NULL
    UNION ALL
    SELECT sell_order_id, CASE WHEN taker_side = 'sell' AND auction_id IS NULL THEN sell_order_id ELSE trade_id END, symbol, -quantity, 0
    FROM trades
    WHERE sell_order_id IS NOT NULL
),
parts AS (
    SELECT o.account_id, s.symbol, s.event_id, s.quantity, s.value_won, 0 AS new_shares, 0 AS old_shares
    FROM sides AS s
    JOIN orders AS o ON o.order_id = s.order_id
    UNION ALL
    SELECT p.account_id, p.symbol, p.event_id, p.quantity, p.value_won, 0, 0 FROM opening AS p
    UNION ALL
    SELECT l.account_id, a.symbol, l.journal_id, l.quantity_after - l.quantity_before, 0, coalesce(a.new_shares, 0), coalesce(a.old_shares, 0)
    FROM corporate_action_lines AS l
    JOIN corporate_actions AS a ON a.action_id = l.action_id
),
events AS (
    SELECT
        account_id, symbol, event_id, sum(quantity ORDER BY event_id)::bigint AS quantity, CASE WHEN count(value_won) = count(*) THEN sum(value_won)::bigint END AS value_won,
        max(new_shares)::bigint AS new_shares, max(old_shares)::bigint AS old_shares
    FROM parts
    GROUP BY account_id, symbol, event_id
),
followed AS (
    SELECT
        account_id, symbol, sum(value_won) AS paid_won, bool_and(value_won IS NOT NULL) AS is_known,  -- unknown where a close is missing
        CASE WHEN bool_or(quantity < 0 OR new_shares > 0) THEN count(*) ELSE 0 END AS last_no,
        array_agg(quantity ORDER BY event_id) AS quantities, array_agg(coalesce(value_won, 0) ORDER BY event_id) AS values_won,
        array_agg(new_shares ORDER BY event_id) AS new_shares, array_agg(old_shares ORDER BY event_id) AS old_shares
    FROM events
    GROUP BY account_id, symbol
),
costs AS (
    SELECT
        f.account_id, f.symbol, CASE WHEN NOT f.is_known THEN NULL WHEN f.last_no = 0 THEN f.paid_won ELSE w.cost_won END AS due_won
    FROM followed AS f
    CROSS JOIN LATERAL (
        WITH RECURSIVE walk (event_no, held, cost_won) AS (
            SELECT 0, 0::bigint, 0::numeric
            UNION ALL
            SELECT
                event_no + 1, held + f.quantities[event_no + 1],
                cost_won + f.values_won[event_no + 1] - CASE
                    WHEN f.new_shares[event_no + 1] > 0 THEN div(
                        cost_won * mod(held * f.new_shares[event_no + 1], f.old_shares[event_no + 1]), greatest(held * f.new_shares[event_no + 1], 1)
                    )
                    WHEN f.quantities[event_no + 1] < 0 THEN div(cost_won * -f.quantities[event_no + 1], greatest(held, 1))
                    ELSE 0
                END
            FROM walk
            WHERE event_no < f.last_no
        )
        SELECT cost_won FROM walk WHERE event_no = f.last_no
    ) AS w
),
due AS (
    SELECT p.account_id, p.symbol, p.cost_won, CASE WHEN c.account_id IS NULL THEN 0 ELSE c.due_won END AS due_won
    FROM positions AS p
    LEFT JOIN costs AS c ON c.account_id = p.account_id AND c.symbol = p.symbol
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
