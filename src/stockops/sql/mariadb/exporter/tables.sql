-- The largest tables, as InnoDB's own statistics have it: information_schema.tables would open
-- each table, and wait for one that somebody holds. Needs SELECT on mysql.innodb_table_stats.
SET STATEMENT group_concat_max_len = 16777216 FOR
SELECT stockops_document.answer AS stockops_document
  FROM (SELECT JSON_OBJECT(
         'tables', coalesce(JSON_COMPACT((SELECT JSON_ARRAYAGG(JSON_OBJECT(
                     'schema', t.database_name, 'table', t.table_name, 'rows', t.n_rows,
                     'data', t.data_bytes, 'index', t.index_bytes))
                     FROM (SELECT s.database_name, s.table_name, s.n_rows,
                                  s.clustered_index_size * @@innodb_page_size AS data_bytes,
                                  s.sum_of_other_index_sizes * @@innodb_page_size AS index_bytes
                             FROM mysql.innodb_table_stats AS s
                            WHERE s.clustered_index_size >= %(pages_min)s
                            ORDER BY s.clustered_index_size + s.sum_of_other_index_sizes DESC,
                                     s.database_name, s.table_name
                            LIMIT %(tables_max)s) AS t)), JSON_ARRAY()),
         'everything', JSON_COMPACT((SELECT JSON_OBJECT(
                         'rows', coalesce(sum(s.n_rows), 0),
                         'data', coalesce(sum(s.clustered_index_size), 0) * @@innodb_page_size,
                         'index', coalesce(sum(s.sum_of_other_index_sizes), 0)
                                  * @@innodb_page_size)
                         FROM mysql.innodb_table_stats AS s))
       ) AS answer) AS stockops_document
 ORDER BY 1
