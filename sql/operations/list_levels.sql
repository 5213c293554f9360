-- Lists the log levels that are set, with the superuser who set each.

select nullif(operation_log_levels.name, '') as logger, operation_log_levels.level, operation_log_levels.until,
       operation_log_levels.changed_at, operation_log_levels.changed_by, users.email as changed_by_email
  from operation_log_levels
  left join users
    on users.id = operation_log_levels.changed_by
 where operation_log_levels.until > now()
 order by operation_log_levels.name;
