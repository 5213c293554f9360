-- Makes a dead letter what it was before, with all its attempts: an event in its old place, ahead of the later ones of its key.
--
--   $1 id  uuid

with event as (
    update outbox_events
       set dead_at = null, attempts = 0, available_at = null
     where id = $1
       and dead_at is not null
    returning id, 'event' as kind, type
), task as (
    update outbox_tasks
       set dead_at = null, attempts = 0, available_at = now()
     where id = $1
       and dead_at is not null
    returning id, 'task', task
)
select id, kind, type from event
 union all
select * from task;
