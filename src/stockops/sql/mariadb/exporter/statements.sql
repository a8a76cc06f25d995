-- What every digest has cost, without its text; the exporter's own are told by the name of the one
-- column that they answer in: a digest has lost its comments.
-- Empty where performance_schema is off.
SET STATEMENT group_concat_max_len = 16777216 FOR
SELECT coalesce(JSON_ARRAYAGG(JSON_ARRAY(
         d.digest, coalesce(d.schema_name, ''), d.count_star, d.sum_timer_wait / 1e12,
         d.sum_errors, d.sum_warnings, d.sum_rows_affected, d.sum_rows_sent,
         d.sum_rows_examined, d.sum_created_tmp_tables, d.sum_created_tmp_disk_tables,
         d.sum_sort_merge_passes, d.sum_sort_rows, d.sum_no_index_used)),
       '[]') AS stockops_document
  FROM performance_schema.events_statements_summary_by_digest AS d
 WHERE d.digest IS NOT NULL
   AND d.digest_text NOT LIKE '%%`stockops\_document`%%'
 ORDER BY 1
