-- From the next transaction on, this session runs at the level.
SET SESSION tx_isolation = replace(upper(%(level)s), ' ', '-')
