-- Sends the issues whose price moved too far into an auction, and answers with them.
SELECT auction_id, symbol, kind FROM interrupt_issues(%(date)s::date, %(at)s::timestamptz)
