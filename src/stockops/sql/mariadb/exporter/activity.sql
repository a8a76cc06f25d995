-- Sessions by command, state, user and host, with the seconds that those of a group have been at
-- it. Needs PROCESS for the sessions of others; this one is left out.
SET STATEMENT group_concat_max_len = 16777216 FOR
SELECT coalesce(JSON_ARRAYAGG(JSON_OBJECT(
         'command', s.command, 'state', s.state, 'user', s.user, 'host', s.from_host,
         'threads', s.threads, 'seconds', s.seconds)), '[]') AS stockops_document
  FROM (SELECT p.command, p.state, p.user, substring_index(p.host, ':', 1) AS from_host,
               count(*) AS threads, sum(p.time) AS seconds
          FROM information_schema.processlist AS p
         WHERE p.id <> connection_id()
         GROUP BY p.command, p.state, p.user, from_host) AS s
 ORDER BY 1
