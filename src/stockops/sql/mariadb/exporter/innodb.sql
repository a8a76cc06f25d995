-- What InnoDB counts of itself, as far as it is switched on, and its compressed pages.
-- The name that marks our questions is at the front: a digest keeps the first part of a long text.
SET STATEMENT group_concat_max_len = 16777216 FOR
SELECT stockops_document.answer AS stockops_document
  FROM (SELECT JSON_OBJECT(
         'metrics', JSON_COMPACT((SELECT JSON_ARRAYAGG(JSON_ARRAY(
                      m.name, m.subsystem, m.type, m.`count`))
                      FROM information_schema.innodb_metrics AS m WHERE m.enabled)),
         'compressed', JSON_COMPACT((SELECT JSON_ARRAYAGG(JSON_OBJECT(
                         'page_size', c.page_size, 'compress_ops', c.compress_ops,
                         'compress_ops_ok', c.compress_ops_ok, 'compress_time', c.compress_time,
                         'uncompress_ops', c.uncompress_ops,
                         'uncompress_time', c.uncompress_time))
                         FROM information_schema.innodb_cmp AS c)),
         'memory', JSON_COMPACT((SELECT JSON_ARRAYAGG(JSON_OBJECT(
                     'page_size', m.page_size, 'buffer_pool', m.buffer_pool_instance,
                     'pages_used', m.pages_used, 'pages_free', m.pages_free,
                     'relocation_ops', m.relocation_ops,
                     'relocation_time', m.relocation_time))
                     FROM information_schema.innodb_cmpmem AS m))
       ) AS answer) AS stockops_document
 ORDER BY 1
