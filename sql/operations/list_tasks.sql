-- Lists the tasks that run or wait, oldest first.
--
--   $1 name   text    null: any
--   $2 state  text    pending, running, retrying or later; null: any
--   $3 after  bigint  the last number of the previous page, or 0
--   $4 most   bigint

select number, id, name, state, attempts, created_at, due_at, leased_until, last_error, trace_id
  from (select seq as number, id, task as name,
               case when locked_until > now() then 'running'
                    when available_at <= now() then 'pending'
                    when last_error is not null then 'retrying'
                    else 'later' end as state,
               attempts, created_at, available_at as due_at,
               case when locked_until > now() then locked_until end as leased_until,
               last_error, substr(nullif(traceparent, ''), 4, 32) as trace_id
          from outbox_tasks
         where dead_at is null
           and seq > $3
           and ($1::text is null or task = $1)) as tasks
 where $2::text is null or state = $2
 order by number
 limit $4;
