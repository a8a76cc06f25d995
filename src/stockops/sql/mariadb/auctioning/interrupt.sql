-- Sends the issues whose price moved too far into an auction, and answers with them.
CALL interrupt_issues(%(date)s, %(at)s)
