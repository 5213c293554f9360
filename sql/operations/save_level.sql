-- Sets the log level of a logger for a time, and deletes levels that have ended. Returns its end.
--
--   $1 logger      text      empty: all loggers of the application
--   $2 level       text
--   $3 time        interval
--   $4 changed_by  uuid

with ended as (
    delete from operation_log_levels
     where until <= now()
       and name <> $1
)
insert into operation_log_levels (name, level, until, changed_by)
values ($1, $2, now() + $3, $4)
    on conflict on constraint operation_log_levels_pkey do update
   set level = excluded.level,
       until = excluded.until,
       changed_at = now(),
       changed_by = excluded.changed_by
returning until;
