-- Measures the outbox by topic and by task: pending items and the age of the oldest, held items (refused events, and
-- events behind a refused event or a dead letter), and dead letters, including messages. Each count stops at 10,000,
-- which also bounds the rows read: names are found by an index skip scan, and rows are read along an index.

with recursive bound as (
    select 10000 as most
), topics as (
    (select topic as name
       from outbox_events
      where published_at is null and dead_at is null and available_at is null and not held
      order by topic
      limit 1)
    union all
    select (select topic
              from outbox_events
             where published_at is null and dead_at is null and available_at is null and not held
               and topic > topics.name
             order by topic
             limit 1)
      from topics
     where name is not null
), tasks as (
    (select task as name from outbox_tasks where dead_at is null order by task limit 1)
    union all
    select (select task from outbox_tasks where dead_at is null and task > tasks.name order by task limit 1)
      from tasks
     where name is not null
), counted as (
    select 'kafka' as destination, name, waiting.number as pending, 0 as held, 0 as dead, waiting.since
      from topics,
           lateral (select count(*) as number, min(created_at) as since
                      from (select created_at
                              from outbox_events
                             where published_at is null and dead_at is null and available_at is null and not held
                               and topic between topics.name and topics.name -- selects outbox_events_ready instead of the primary key
                             order by topic, seq
                             limit (select most from bound)) as event) as waiting
     where name is not null
     union all
    select 'kafka', topic, 0, count(*), 0, null
      from ((select topic
               from outbox_events
              where published_at is null and dead_at is null and held
              order by topic, key, seq
              limit (select most from bound))
             union all
            (select topic
               from outbox_events
              where published_at is null and dead_at is null and available_at is not null
              order by available_at
              limit (select most from bound))) as event
     group by topic
     union all
    select 'kafka', topic, 0, 0, count(*), null
      from (select topic from outbox_events where dead_at is not null order by dead_at limit (select most from bound)) as event
     group by topic
     union all
    select 'tasks', name, waiting.number, 0, 0, waiting.since
      from tasks,
           lateral (select count(*) as number, min(created_at) as since
                      from (select created_at
                              from outbox_tasks
                             where dead_at is null
                               and task = tasks.name
                             order by available_at
                             limit (select most from bound)) as task
                     where created_at <= now()) as waiting -- not those of a later time
     where name is not null
       and waiting.number > 0
     union all
    select 'tasks', task, 0, 0, count(*), null
      from (select task from outbox_tasks where dead_at is not null order by dead_at limit (select most from bound)) as task
     group by task
     union all
    select 'messages', topic, 0, 0, count(*), null
      from (select topic from inbox_dead where retried_at is null order by dead_at limit (select most from bound)) as message
     group by topic
)
select destination, name, sum(pending)::bigint as pending, sum(held)::bigint as held, sum(dead)::bigint as dead,
       coalesce(extract(epoch from now() - min(since)), 0)::float8 as oldest_seconds
  from counted
 group by destination, name
 order by destination, name;
