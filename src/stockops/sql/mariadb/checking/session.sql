-- Settings for reading whole tables, for this session: temporary tables stay in memory, each up to an eighth of the buffer pool,
-- from 256 MB to 1 GB, larger ones where the server gives them more (where its own go to disk, `cost` takes half as much CPU
-- again), and a derived table is computed once, not again for every row that it is joined to (seen on 10.11: 12 s instead of
-- 0.3 s). A long list of constants is looked up in an index, and a long list of keys is given out whole.
SET SESSION
    tmp_memory_table_size = greatest(@@global.tmp_memory_table_size, 268435456, least(@@innodb_buffer_pool_size DIV 8192 * 1024, 1073741824)),
    max_heap_table_size = greatest(@@global.max_heap_table_size, 268435456, least(@@innodb_buffer_pool_size DIV 8192 * 1024, 1073741824)),
    sort_buffer_size = 33554432,
    join_buffer_size = 16777216,
    in_predicate_conversion_threshold = 0,
    group_concat_max_len = 1073741824,
    optimizer_switch = 'split_materialized=off'
