-- Locks a task that runs or waits.
--
--   $1 id  uuid

select task as name,
       case when locked_until > now() then 'running'
            when available_at <= now() then 'pending'
            when last_error is not null then 'retrying'
            else 'later' end as state
  from outbox_tasks
 where id = $1
   and dead_at is null
   for update;
