-- What corporate actions did to holdings is what their ratio or their price says, to the share and the won, and has its journal; shares, names and factors follow from them.
-- A split at NEW:OLD makes floor(shares * NEW / OLD) of a holding; what is left over is paid by the new base price, and takes its
-- part of the cost along. The house takes what customers are left without. Looked at are issues, actions and their lines.
WITH legs AS (
    SELECT
        j.journal_id, count(*) AS legs, min(j.business_date) AS business_date, max(CASE WHEN j.asset <> 'KRW' THEN j.asset END) AS symbol,
        sum(CASE WHEN j.leg = 1 THEN j.amount ELSE 0 END) AS shares,
        sum(CASE WHEN j.leg = 3 THEN j.amount ELSE 0 END) AS won,
        min(CASE WHEN j.leg IN (1, 3) THEN j.account_id END) AS account_id, max(CASE WHEN j.leg IN (1, 3) THEN j.account_id END) AS last_account_id
    FROM journal_entries AS j
    WHERE j.kind = 'action'
    GROUP BY j.journal_id
),
acted AS (
    SELECT
        a.action_id, a.symbol, a.kind, a.effective_date, a.new_shares, a.old_shares, a.price_won, a.base_won, l.account_id, l.journal_id,
        l.quantity_before, l.quantity_after, l.cost_before, l.cost_after, l.paid_won,
        mod(l.quantity_before * coalesce(a.new_shares, 1), coalesce(a.old_shares, 1)) AS left_over,
        k.account_id IS NOT NULL AS is_customer
    FROM corporate_action_lines AS l
    LEFT JOIN corporate_actions AS a ON a.action_id = l.action_id
    LEFT JOIN accounts AS k ON k.account_id = l.account_id AND k.kind = 'customer'
),
sums AS (
    SELECT
        action_id, sum(CASE WHEN is_customer THEN 1 ELSE 0 END) AS holders, sum(CASE WHEN is_customer THEN paid_won ELSE 0 END) AS paid_won,
        sum(quantity_after - quantity_before) AS shares
    FROM acted
    GROUP BY action_id
),
wrong AS (
    SELECT
        concat_ws(' ', 'line', l.journal_id, 'of action', coalesce(l.action_id, 0), 'account', l.account_id) AS entity,
        CASE l.kind
            WHEN 'split' THEN concat_ws(' ', l.quantity_before, 'shares at', l.new_shares, 'for', l.old_shares, 'of', l.base_won, 'won, cost', l.cost_before)
            WHEN 'delist' THEN concat_ws(' ', l.quantity_before, 'shares paid out at', l.price_won, 'won')
            ELSE 'an action that it is of'
        END AS expected,
        concat_ws(' ', l.quantity_after, 'shares', l.paid_won, 'won, cost', l.cost_after) AS found
    FROM acted AS l
    WHERE
        coalesce(l.kind, '') NOT IN ('split', 'delist')
        OR (
            l.kind = 'split' AND l.is_customer AND (
                l.quantity_after <> (l.quantity_before * l.new_shares - l.left_over) DIV l.old_shares
                OR l.paid_won <> l.left_over * l.base_won DIV l.old_shares
                OR l.cost_after <> l.cost_before - CAST(l.cost_before AS DECIMAL(38, 0)) * l.left_over DIV (l.quantity_before * l.new_shares)
            )
        )
        OR (l.kind = 'split' AND NOT l.is_customer AND (l.account_id <> 1 OR l.paid_won <> 0))
        OR (
            l.kind = 'delist'
            AND (l.quantity_after <> 0 OR l.price_won IS NULL OR l.paid_won <> l.quantity_before * l.price_won OR (l.is_customer AND l.cost_after <> 0))
        )
    UNION ALL
    SELECT
        concat_ws(' ', 'journal', l.journal_id),
        concat_ws(' ', l.quantity_after - l.quantity_before, 'shares', l.paid_won, 'won of account', l.account_id, 'in', l.symbol, 'on', l.effective_date),
        concat_ws(' ', coalesce(j.legs, 0), 'legs:', j.shares, 'shares', j.won, 'won of account', j.account_id, 'in', j.symbol, 'on', j.business_date)
    FROM acted AS l
    LEFT JOIN legs AS j ON j.journal_id = l.journal_id
    WHERE
        j.journal_id IS NULL
        OR j.legs <> CASE WHEN l.paid_won > 0 THEN 4 ELSE 2 END OR j.shares <> l.quantity_after - l.quantity_before OR j.won <> l.paid_won
        OR j.account_id <> l.account_id OR j.last_account_id <> l.account_id OR j.symbol <> l.symbol OR j.business_date <> l.effective_date
    UNION ALL
    SELECT concat_ws(' ', 'journal', j.journal_id), 'a line of an action', concat_ws(' ', j.legs, 'legs and no line')
    FROM legs AS j
    LEFT JOIN corporate_action_lines AS l ON l.journal_id = j.journal_id
    WHERE l.journal_id IS NULL
    UNION ALL
    SELECT
        concat_ws(' ', 'action', a.action_id),
        concat_ws(' ', a.listed_before, 'shares listed, and', coalesce(s.shares, 0), 'for', coalesce(s.holders, 0), 'holders, paid', coalesce(s.paid_won, 0)),
        concat_ws(' ', a.listed_after, 'shares listed for', a.holders, 'holders, paid', a.paid_won, 'base', a.base_won)
    FROM corporate_actions AS a
    LEFT JOIN sums AS s ON s.action_id = a.action_id
    WHERE
        a.listed_after <> a.listed_before + coalesce(s.shares, 0) OR a.holders <> coalesce(s.holders, 0) OR a.paid_won <> coalesce(s.paid_won, 0)
        OR (a.kind = 'split' AND a.listed_after * a.old_shares NOT BETWEEN a.listed_before * a.new_shares - a.old_shares + 1 AND a.listed_before * a.new_shares)
        OR (
            a.kind = 'split' AND a.base_won NOT BETWEEN a.last_won * a.old_shares DIV a.new_shares - 999 AND a.last_won * a.old_shares DIV a.new_shares
        )
    UNION ALL
    SELECT
        concat_ws(' ', 'issue', k.symbol), concat_ws(' ', a.listed_after, 'shares listed since action', a.action_id),
        concat_ws(' ', k.listed_shares, 'shares listed, and', k.status)
    FROM stocks AS k
    JOIN corporate_actions AS a ON a.action_id = (SELECT max(n.action_id) FROM corporate_actions AS n WHERE n.symbol = k.symbol)
    WHERE
        k.listed_shares <> a.listed_after OR (a.kind = 'delist') <> (k.status = 'delisted')
    UNION ALL
    SELECT concat_ws(' ', 'issue', k.symbol), concat_ws(' ', 'the name', a.new_name), k.name
    FROM stocks AS k
    JOIN corporate_actions AS a
        ON a.action_id = (SELECT max(n.action_id) FROM corporate_actions AS n WHERE n.symbol = k.symbol AND n.kind = 'rename')
    WHERE k.name <> a.new_name
    UNION ALL
    SELECT concat_ws(' ', 'factor of', a.symbol, 'before', a.effective_date), 'the ratios of all splits from then on', concat_ws(' ', f.new_shares, 'for', f.old_shares)
    FROM corporate_actions AS a
    JOIN corporate_actions AS n ON n.symbol = a.symbol AND n.kind = 'split' AND n.effective_date >= a.effective_date
    LEFT JOIN price_factors AS f ON f.symbol = a.symbol AND f.before_date = a.effective_date
    WHERE a.kind = 'split'
    GROUP BY a.symbol, a.effective_date, f.new_shares, f.old_shares
    HAVING f.new_shares IS NULL OR abs(sum(ln(n.new_shares) - ln(n.old_shares)) - ln(f.new_shares) + ln(f.old_shares)) > 0.0000001
),
shown AS (
    SELECT
        row_number() OVER (ORDER BY entity, expected) AS place_no,
        count(*) OVER () AS violations,
        entity, expected, found
    FROM wrong
    ORDER BY place_no
    LIMIT 20
),
looked AS (
    SELECT (SELECT count(*) FROM stocks) + (SELECT count(*) FROM corporate_actions) + (SELECT count(*) FROM corporate_action_lines) AS looked_at
)
SELECT l.looked_at, coalesce(s.violations, 0) AS violations, s.entity, s.expected, s.found
FROM looked AS l
LEFT JOIN shown AS s ON 1 = 1
ORDER BY s.place_no
