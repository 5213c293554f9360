-- How far behind the worker is: what waits, since when, and what was given up.

with events as (
    select count(*) filter (where dead_at is null) as pending,
           coalesce(extract(epoch from now() - min(created_at) filter (where dead_at is null)), 0)::float8 as oldest,
           count(*) filter (where dead_at is not null) as dead
      from outbox_events
     where published_at is null
), tasks as (
    select count(*) filter (where dead_at is null) as pending,
           coalesce(extract(epoch from now() - min(created_at) filter (where dead_at is null)), 0)::float8 as oldest,
           count(*) filter (where dead_at is not null) as dead
      from outbox_tasks
)
select events.pending as events_pending,
       events.oldest as events_oldest_seconds,
       events.dead as events_dead,
       tasks.pending as tasks_pending,
       tasks.oldest as tasks_oldest_seconds,
       tasks.dead as tasks_dead
  from events, tasks;
