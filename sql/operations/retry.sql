-- Returns a dead letter to the queue with all its attempts. An event returns to its place, ahead of later events with
-- the same key. The worker publishes a message to its topic again.
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
