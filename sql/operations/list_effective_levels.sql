-- Lists the log levels that are set, with the time that is left of each by the clock of PostgreSQL.

select name as logger, level, extract(epoch from until - now())::float8 as seconds
  from operation_log_levels
 where until > now()
 order by name;
