-- Discards a dead letter. The audit keeps an event's data, and the topic of dead letters keeps a message. The first
-- 1,000 events held behind the event are released at once, the others within a minute.
--
--   $1 id  uuid

with event as (
    delete from outbox_events
     where id = $1
       and dead_at is not null
    returning id, 'event' as kind, type, topic, key
), followers as (
    update outbox_events
       set held = false
     where seq = any(array(
            select held.seq
              from event,
                   lateral (select seq
                              from outbox_events
                             where published_at is null and dead_at is null and held
                               and topic = event.topic
                               and key = event.key
                             order by seq
                             limit 1000) as held))
), task as (
    delete from outbox_tasks
     where id = $1
       and dead_at is not null
    returning id, 'task', task
), message as (
    delete from inbox_dead
     where id = $1
       and retried_at is null
    returning id, 'message', topic
)
select id, kind, type from event
 union all
select * from task
 union all
select * from message;
