-- Returns the log levels that an account set as JSON.
--
--   $1 user_id  uuid

select row_to_json(found)::text
  from (select name, level, until, changed_at
          from operation_log_levels
         where changed_by = $1) as found;
