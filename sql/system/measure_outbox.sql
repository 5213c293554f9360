-- How far behind the worker is: what waits, since when, and what was given up. Each count reads its own partial index, so that it
-- costs what waits and not what was ever published.

with pending_events as (
    select count(*) as waiting, coalesce(extract(epoch from now() - min(created_at)), 0)::float8 as oldest
      from outbox_events
     where published_at is null
       and dead_at is null
), pending_tasks as (
    select count(*) as waiting, coalesce(extract(epoch from now() - min(created_at)), 0)::float8 as oldest
      from outbox_tasks
     where dead_at is null
)
select pending_events.waiting as events_pending,
       pending_events.oldest as events_oldest_seconds,
       (select count(*) from outbox_events where dead_at is not null) as events_dead,
       pending_tasks.waiting as tasks_pending,
       pending_tasks.oldest as tasks_oldest_seconds,
       (select count(*) from outbox_tasks where dead_at is not null) as tasks_dead
  from pending_events, pending_tasks;
