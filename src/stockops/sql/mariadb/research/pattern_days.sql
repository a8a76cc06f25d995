-- Days on which the prices of issues from one code to another show a pattern, and how strongly: NULL where not.
-- Averages are of closes, and every window is of days that traded. A cross is above 0 where the shorter average came out on
-- top, and below 0 where it fell under: how far in percent of the longer one. A breakout is the close over the highest price of
-- the 20 days before, in percent of it; a spike is the volume in multiples of the mean of the 20 days before; a gap is how far
-- the open lies above 0 over the highest price of the day before, or below 0 under its lowest.
-- Days before history_from are not read: with those since it the windows of the first date that is asked about have to be whole.
-- Prices and volumes are those of shares of today, in whole numbers: what was traded before a split, by its ratio.
-- Needs: SELECT on stock_prices, price_factors.
WITH factors AS (
    SELECT
        f.symbol, f.before_date, f.new_shares, f.old_shares,
        coalesce(lag(f.before_date) OVER (PARTITION BY f.symbol ORDER BY f.before_date), DATE '0001-01-01') AS from_date
    FROM price_factors AS f
),
adjusted AS (
    SELECT
        p.symbol, p.price_date,
        CASE WHEN f.symbol IS NULL THEN p.open_won ELSE greatest(1, (2 * p.open_won * f.old_shares + f.new_shares) DIV (2 * f.new_shares)) END AS open_won,
        CASE WHEN f.symbol IS NULL THEN p.high_won ELSE greatest(1, (2 * p.high_won * f.old_shares + f.new_shares) DIV (2 * f.new_shares)) END AS high_won,
        CASE WHEN f.symbol IS NULL THEN p.low_won ELSE greatest(1, (2 * p.low_won * f.old_shares + f.new_shares) DIV (2 * f.new_shares)) END AS low_won,
        CASE WHEN f.symbol IS NULL THEN p.close_won ELSE greatest(1, (2 * p.close_won * f.old_shares + f.new_shares) DIV (2 * f.new_shares)) END AS close_won,
        CASE WHEN f.symbol IS NULL THEN p.volume ELSE greatest(1, (p.volume * f.new_shares) DIV (f.old_shares)) END AS volume
    FROM stock_prices AS p
    LEFT JOIN factors AS f ON f.symbol = p.symbol AND p.price_date >= f.from_date AND p.price_date < f.before_date
    WHERE
        p.volume > 0 AND p.symbol >= %(from_symbol)s AND p.symbol <= %(to_symbol)s
        AND p.price_date >= coalesce(%(history_from)s, DATE '0001-01-01') AND p.price_date <= coalesce(%(until)s, DATE '9999-12-31')
),
traded AS (
    SELECT
        p.symbol, p.price_date, p.open_won, p.close_won, p.volume,
        row_number() OVER in_order AS day_no,
        lag(p.high_won) OVER in_order AS high_before,
        lag(p.low_won) OVER in_order AS low_before,
        sum(p.close_won) OVER (PARTITION BY p.symbol ORDER BY p.price_date ROWS BETWEEN 19 PRECEDING AND CURRENT ROW) AS total_20,
        sum(p.close_won) OVER (PARTITION BY p.symbol ORDER BY p.price_date ROWS BETWEEN 49 PRECEDING AND CURRENT ROW) AS total_50,
        sum(p.close_won) OVER (PARTITION BY p.symbol ORDER BY p.price_date ROWS BETWEEN 199 PRECEDING AND CURRENT ROW) AS total_200,
        max(p.high_won) OVER (PARTITION BY p.symbol ORDER BY p.price_date ROWS BETWEEN 20 PRECEDING AND 1 PRECEDING) AS high_20,
        sum(p.volume) OVER (PARTITION BY p.symbol ORDER BY p.price_date ROWS BETWEEN 20 PRECEDING AND 1 PRECEDING) AS volume_20
    FROM adjusted AS p
    WINDOW in_order AS (PARTITION BY p.symbol ORDER BY p.price_date)
),
followed AS (
    SELECT
        t.symbol, t.price_date, t.open_won, t.close_won, t.volume, t.day_no, t.high_before, t.low_before, t.high_20, t.volume_20,
        t.total_20, t.total_50, t.total_200,
        lag(t.total_20) OVER in_order AS total_20_before,
        lag(t.total_50) OVER in_order AS total_50_before,
        lag(t.total_200) OVER in_order AS total_200_before
    FROM traded AS t
    WINDOW in_order AS (PARTITION BY t.symbol ORDER BY t.price_date)
),
judged AS (
    SELECT
        f.symbol, f.price_date,
        CASE
            WHEN
                f.day_no > 50
                AND ((5 * f.total_20 > 2 * f.total_50 AND 5 * f.total_20_before <= 2 * f.total_50_before)
                    OR (5 * f.total_20 < 2 * f.total_50 AND 5 * f.total_20_before >= 2 * f.total_50_before))
                THEN round(CAST(100 * (5 * f.total_20 - 2 * f.total_50) AS DECIMAL(38, 8)) / (2 * f.total_50), 8)
        END AS cross_20_50,
        CASE
            WHEN
                f.day_no > 200
                AND ((4 * f.total_50 > f.total_200 AND 4 * f.total_50_before <= f.total_200_before)
                    OR (4 * f.total_50 < f.total_200 AND 4 * f.total_50_before >= f.total_200_before))
                THEN round(CAST(100 * (4 * f.total_50 - f.total_200) AS DECIMAL(38, 8)) / f.total_200, 8)
        END AS cross_50_200,
        CASE
            WHEN f.day_no > 20 AND f.close_won > f.high_20
                THEN round(CAST(100 * (f.close_won - f.high_20) AS DECIMAL(38, 8)) / f.high_20, 8)
        END AS breakout_20,
        CASE
            WHEN f.day_no > 20 AND 20 * f.volume >= %(spike_times)s * f.volume_20
                THEN round(CAST(20 * f.volume AS DECIMAL(38, 8)) / f.volume_20, 8)
        END AS volume_spike,
        CASE
            WHEN 100 * (f.open_won - f.high_before) >= %(gap_percent)s * f.high_before
                THEN round(CAST(100 * (f.open_won - f.high_before) AS DECIMAL(38, 8)) / f.high_before, 8)
            WHEN 100 * (f.low_before - f.open_won) >= %(gap_percent)s * f.low_before
                THEN round(CAST(100 * (f.open_won - f.low_before) AS DECIMAL(38, 8)) / f.low_before, 8)
        END AS gap
    FROM followed AS f
    WHERE f.price_date >= coalesce(%(since)s, DATE '0001-01-01')
)
SELECT
    j.symbol AS symbol,
    j.price_date AS price_date,
    j.cross_20_50 AS cross_20_50,
    j.cross_50_200 AS cross_50_200,
    j.breakout_20 AS breakout_20,
    j.volume_spike AS volume_spike,
    j.gap AS gap
FROM judged AS j
WHERE coalesce(j.cross_20_50, j.cross_50_200, j.breakout_20, j.volume_spike, j.gap) IS NOT NULL
ORDER BY j.symbol, j.price_date
