-- What was given up, in one form: events that Kafka refused, tasks that failed too often, messages of other services that cannot be
-- acted on. Of a message, `place` is where it is in Kafka.
create view dead_letters as
select id, 'event' as kind, type, key as event_key, null as place, last_error as reason, attempts, created_at, dead_at
  from outbox_events
 where dead_at is not null
 union all
select id, 'task', task, null, null, last_error, attempts, created_at, dead_at
  from outbox_tasks
 where dead_at is not null
 union all
select id, 'message', topic, null, dead_topic || '/' || dead_partition || '/' || dead_offset, last_error, attempts,
       to_timestamp(sent_at / 1000.0), dead_at
  from inbox_dead
 where retried_at is null;
