-- What users are to be advised of valid predictions at a moment: for each issue the best one, the highest score first.
-- The score is what a prediction expects in percent, times its confidence; one without a target expects nothing. Nobody is
-- advised to sell what is not held, nor against the target that the prediction names.
-- Needs: SELECT on predictions, models, stocks, users, positions, accounts; EXECUTE on price_on.
WITH alive AS (
    SELECT p.prediction_id, p.user_id, p.symbol, p.model_version, p.side, p.confidence, p.target_won, p.predicted_at
    FROM predictions AS p
    JOIN models AS m ON m.model_version = p.model_version AND m.status = 'active'
    JOIN users AS u ON u.user_id = p.user_id AND u.status = 'active'
    JOIN stocks AS s ON s.symbol = p.symbol AND s.status = 'listed'
    WHERE
        p.status = 'valid' AND (%(user_id)s::bigint IS NULL OR p.user_id = %(user_id)s::bigint)
        AND p.predicted_at <= %(at)s::timestamptz AND coalesce(p.expires_at > %(at)s::timestamptz, p.predicted_at > %(stale_at)s::timestamptz)
),
priced AS (
    SELECT d.symbol, price_on(d.symbol, %(on)s::date) AS price_won
    FROM (SELECT DISTINCT a.symbol FROM alive AS a) AS d
),
held AS (
    SELECT a.user_id, p.symbol, sum(p.quantity - p.reserved_quantity) AS shares
    FROM positions AS p
    JOIN accounts AS a ON a.account_id = p.account_id
    WHERE a.status = 'active'
    GROUP BY a.user_id, p.symbol
),
expected AS (
    SELECT
        a.prediction_id, a.user_id, a.symbol, a.model_version, a.side, a.confidence, a.target_won, a.predicted_at, c.price_won,
        coalesce(h.shares, 0) AS shares,
        CASE
            WHEN a.target_won IS NULL THEN 0
            ELSE round(CAST(100 * (a.target_won - c.price_won) * CASE a.side WHEN 'buy' THEN 1 ELSE -1 END AS DECIMAL(30, 8)) / c.price_won, 4)
        END AS expected_percent
    FROM alive AS a
    JOIN priced AS c ON c.symbol = a.symbol AND c.price_won > 0
    LEFT JOIN held AS h ON h.user_id = a.user_id AND h.symbol = a.symbol
),
scored AS (
    SELECT
        e.prediction_id, e.user_id, e.symbol, e.model_version, e.side, e.confidence, e.target_won, e.predicted_at, e.price_won,
        e.shares, e.expected_percent, round(e.expected_percent * e.confidence, 4) AS score,
        row_number() OVER (
            PARTITION BY e.user_id, e.symbol
            ORDER BY e.expected_percent * e.confidence DESC, e.confidence DESC, e.predicted_at DESC, e.prediction_id
        ) AS choice
    FROM expected AS e
    WHERE (e.side = 'buy' OR e.shares > 0) AND (e.target_won IS NULL OR e.expected_percent > 0)
),
ranked AS (
    SELECT
        s.prediction_id, s.user_id, s.symbol, s.model_version, s.side, s.confidence, s.target_won, s.price_won, s.shares,
        s.expected_percent, s.score,
        row_number() OVER (PARTITION BY s.user_id ORDER BY s.score DESC, s.confidence DESC, s.symbol) AS rank_no
    FROM scored AS s
    WHERE s.choice = 1
)
SELECT
    r.user_id AS user_id,
    r.rank_no AS rank_no,
    r.prediction_id AS prediction_id,
    r.symbol AS symbol,
    k.name AS name,
    r.side AS side,
    r.score AS score,
    r.model_version AS model_version,
    r.confidence AS confidence,
    r.target_won AS target_won,
    r.price_won AS price_won,
    r.expected_percent AS expected_percent,
    (r.shares)::bigint AS shares
FROM ranked AS r
JOIN stocks AS k ON k.symbol = r.symbol
WHERE r.rank_no <= %(top)s::bigint
ORDER BY r.user_id, r.rank_no
