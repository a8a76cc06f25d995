\set is_sell random(1, 100) <= 40
\set is_market random(1, 100) <= 30
\set a random(1, 1000)
\set s random(1, 900)
\set held random(0, 89) * 10 + mod(:a, 10)
\set n case when :is_sell then case when :held = 0 then 900 else :held end else :s end
\set k random(-5, 5)
\set p 50000 + :k * case when :k > 0 then 100 else 50 end
\set q random(1, 20)
\set r random(1, 999999999999)
SELECT * FROM place_order('pgb-' || :client_id || '-' || :r, 1000 + :a::bigint, lpad((:n * 10)::text, 6, '0'), CASE WHEN :is_sell THEN 'sell' ELSE 'buy' END, CASE WHEN :is_market THEN 'market' ELSE 'limit' END, CASE WHEN :is_market THEN NULL ELSE :p::bigint END, :q::bigint, '2025-01-03', '2025-01-03 01:00:00', NULL, NULL, NULL);
