-- From the next transaction on, this session runs at the level.
SELECT set_config('default_transaction_isolation', %(level)s, false)
