-- Every setting that is a number or a switch, with the unit that its number counts.
-- What this session has set for itself is not the server's: of that, what it would have been.
SELECT json_agg(json_build_array(
         s.name, CASE WHEN s.source = 'session' THEN s.reset_val ELSE s.setting END, s.unit)
       )::text AS stockops_document
  FROM pg_settings AS s
 WHERE s.vartype IN ('bool', 'integer', 'real')
 ORDER BY 1
