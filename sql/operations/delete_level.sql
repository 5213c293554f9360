-- Resets the log level of a logger.
--
--   $1 logger  text  empty: that of all loggers of the application

delete from operation_log_levels
 where name = $1;
