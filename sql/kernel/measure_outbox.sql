-- How far behind the worker is, by topic and by task: what waits and since when, what is held back (behind a dead letter of its key, or
-- because Kafka refused it and its next attempt is not due), and the dead letters. Each part reads its own partial index, so that it costs what waits and not what was ever published.

with first_stuck as (
    select topic, key, min(seq) as seq
      from outbox_events
     where published_at is null
       and (dead_at is not null or available_at > now())
     group by topic, key
), waiting as (
    select topic, created_at, coalesce(first_stuck.seq <= outbox_events.seq, false) as held
      from outbox_events
      left join first_stuck using (topic, key)
     where published_at is null
       and dead_at is null
), counted as (
    select 'kafka' as destination, topic as name, count(*) filter (where not held) as pending,
           count(*) filter (where held) as held, 0 as dead, min(created_at) filter (where not held) as since
      from waiting
     group by topic
     union all
    select 'kafka', topic, 0, 0, count(*), null
      from outbox_events
     where dead_at is not null
     group by topic
     union all
    select 'tasks', task, count(*), 0, 0, min(created_at)
      from outbox_tasks
     where dead_at is null
     group by task
     union all
    select 'tasks', task, 0, 0, count(*), null
      from outbox_tasks
     where dead_at is not null
     group by task
)
select destination, name, sum(pending)::bigint as pending, sum(held)::bigint as held, sum(dead)::bigint as dead,
       coalesce(extract(epoch from now() - min(since)), 0)::float8 as oldest_seconds
  from counted
 group by destination, name
 order by destination, name;
