-- Lists schedules that have been due for five minutes without being run.

select task
  from schedules
 where due_at < now() - interval '5 minutes'
 order by task;
