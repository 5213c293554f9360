-- Tasks that wait and that no feature of this code has, by name: nothing leases them.
--
--   $1 known  text[]  the names of the tasks that there are
--   $2 task   text    this name alone; null: any

select task as type, count(*) as tasks, min(created_at) as oldest
  from outbox_tasks
 where dead_at is null
   and task <> all($1::text[])
   and ($2::text is null or task = $2)
   and (locked_until is null or locked_until < now())
 group by task
 order by task;
