-- Counts the tasks that run or wait and match a filter, up to 10,000.
--
--   $1 name   text  null: any
--   $2 state  text  pending, running, retrying or later; null: any

select count(*)::integer
  from (select
          from outbox_tasks
         where dead_at is null
           and ($1::text is null or task = $1)
           and ($2::text is null
                or $2 = case when locked_until > now() then 'running'
                             when available_at <= now() then 'pending'
                             when last_error is not null then 'retrying'
                             else 'later' end)
         limit 10000) as found;
