-- Everything of SHOW GLOBAL VARIABLES as one document.
SET STATEMENT group_concat_max_len = 16777216 FOR
SELECT JSON_OBJECTAGG(lower(v.variable_name), v.variable_value) AS stockops_document
  FROM information_schema.global_variables AS v
 ORDER BY 1
