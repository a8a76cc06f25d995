-- Transactions that have written or locked a row and have not ended, prepared ones too. Needs EXECUTE on open_writers.
CALL open_writers()
