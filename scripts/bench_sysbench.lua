-- The orders of bench_pgbench.sql, for sysbench: its driver takes no result set from a procedure,
-- so the answer comes back in OUT parameters.
function thread_init()
   drv = sysbench.sql.driver()
   con = drv:connect()
end

function event()
   local a = sysbench.rand.uniform(1, 1000)
   local sells = sysbench.rand.uniform(1, 100) <= 40
   local market = sysbench.rand.uniform(1, 100) <= 30
   local n = sysbench.rand.uniform(1, 900)
   if sells then
      n = sysbench.rand.uniform(0, 89) * 10 + a % 10
      if n == 0 then n = 900 end
   end
   local k = sysbench.rand.uniform(0, 10) - 5
   local price = "NULL"
   if not market then
      price = string.format("%d", 50000 + k * (k > 0 and 100 or 50))
   end
   con:query(string.format(
      "CALL place_order_out('sys-%d-%d%06d',%d,'%06d','%s','%s',%s,%d,'2025-01-03','2025-01-03 01:00:00',NULL,NULL,NULL,@s,@r,@o,@f)",
      sysbench.tid, sysbench.rand.uniform(1, 999999), sysbench.rand.uniform(1, 999999), 1000 + a, n * 10,
      sells and "sell" or "buy", market and "market" or "limit", price, sysbench.rand.uniform(1, 20)))
end

function thread_done()
   con:disconnect()
end
