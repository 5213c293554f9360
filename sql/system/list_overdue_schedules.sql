-- Schedules that were due five minutes ago, and that no worker has run.

select task
  from schedules
 where due_at < now() - interval '5 minutes'
 order by task;
