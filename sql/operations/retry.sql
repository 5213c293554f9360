-- Makes a dead letter what it was before, with all its attempts: an event in its old place, ahead of the later ones of its key. A message
-- is published to its topic again by the worker.
--
--   $1 id  uuid

with event as (
    update outbox_events
       set dead_at = null, attempts = 0, available_at = now()
     where id = $1
       and dead_at is not null
    returning id, 'event' as kind, type
), task as (
    update outbox_tasks
       set dead_at = null, attempts = 0, available_at = now()
     where id = $1
       and dead_at is not null
    returning id, 'task', task
), message as (
    update inbox_dead
       set retried_at = now()
     where id = $1
       and retried_at is null
    returning id, 'message', topic
)
select id, kind, type from event
 union all
select * from task
 union all
select * from message;
