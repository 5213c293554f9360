-- Gives a dead letter up: nobody will be sent it. What an event said stays in the audit.
--
--   $1 id  uuid

with event as (
    delete from outbox_events
     where id = $1
       and dead_at is not null
    returning id, 'event' as kind, type
), task as (
    delete from outbox_tasks
     where id = $1
       and dead_at is not null
    returning id, 'task', task
)
select id, kind, type from event
 union all
select * from task;
