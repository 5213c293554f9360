-- Lists the schedules.

select task, declared, last_at, due_at as next_at
  from schedules
 order by task;
