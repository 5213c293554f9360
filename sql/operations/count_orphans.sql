-- Counts pending tasks that no feature of this release defines, by name. Such tasks are never leased.
--
--   $1 known  text[]  names of the defined tasks
--   $2 task   text    only this name; null: any

select task as type, count(*) as tasks, min(created_at) as oldest
  from outbox_tasks
 where dead_at is null
   and task <> all($1::text[])
   and ($2::text is null or task = $2)
   and (locked_until is null or locked_until < now())
 group by task
 order by task;
