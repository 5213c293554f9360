-- Counts tasks by name and state, dead letters included, of the oldest 10,000 tasks.

select task as name,
       (count(*) filter (where dead_at is null and available_at <= now()
                         and (locked_until is null or locked_until <= now())))::integer as pending,
       (count(*) filter (where dead_at is null and locked_until > now()))::integer as running,
       (count(*) filter (where dead_at is null and available_at > now() and last_error is not null
                         and (locked_until is null or locked_until <= now())))::integer as retrying,
       (count(*) filter (where dead_at is null and available_at > now() and last_error is null
                         and (locked_until is null or locked_until <= now())))::integer as later,
       (count(*) filter (where dead_at is not null))::integer as dead,
       coalesce(extract(epoch from now() - min(available_at)
                        filter (where dead_at is null and available_at <= now())), 0)::float8 as oldest_seconds
  from (select task, dead_at, available_at, locked_until, last_error
          from outbox_tasks
         order by seq
         limit 10000) as tasks
 group by task
 order by task;
