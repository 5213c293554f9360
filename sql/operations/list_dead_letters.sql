-- What was given up, the latest first. Of a message, `place` is where it is in Kafka.
--
--   $1 dead_at  timestamptz  the last page's last one's, or null
--   $2 id       uuid         and its id
--   $3 most     bigint

select id, kind, type, event_key, place, reason, attempts, created_at, dead_at
  from (select id, 'event' as kind, type, key as event_key, null as place, last_error as reason, attempts, created_at, dead_at
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
         where retried_at is null) as dead
 where $1::timestamptz is null
    or (dead_at, id) < ($1, $2)
 order by dead_at desc, id desc
 limit $3;
