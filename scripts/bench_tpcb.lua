-- The transaction of pgbench's built-in script "tpcb-like", statement by statement.
sysbench.cmdline.options = {scale = {"Branches; ten tellers and 100,000 accounts in each", 10}}

function thread_init()
   drv = sysbench.sql.driver()
   con = drv:connect()
end

function event()
   local scale = sysbench.opt.scale
   local aid = sysbench.rand.uniform(1, 100000 * scale)
   local bid = sysbench.rand.uniform(1, scale)
   local tid = sysbench.rand.uniform(1, 10 * scale)
   local delta = sysbench.rand.uniform(0, 10000) - 5000
   con:query("BEGIN")
   con:query(string.format("UPDATE accounts SET abalance = abalance + %d WHERE aid = %d", delta, aid))
   con:query(string.format("SELECT abalance FROM accounts WHERE aid = %d", aid))
   con:query(string.format("UPDATE tellers SET tbalance = tbalance + %d WHERE tid = %d", delta, tid))
   con:query(string.format("UPDATE branches SET bbalance = bbalance + %d WHERE bid = %d", delta, bid))
   con:query(string.format(
      "INSERT INTO history (tid, bid, aid, delta, mtime) VALUES (%d, %d, %d, %d, CURRENT_TIMESTAMP)",
      tid, bid, aid, delta))
   con:query("COMMIT")
end

function thread_done()
   con:disconnect()
end
