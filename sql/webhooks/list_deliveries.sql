-- Lists an endpoint's deliveries, newest event first.
--
--   $1 endpoint_id  uuid
--   $2 user_id      uuid    the endpoint's owner
--   $3 state        text    null: all
--   $4 type         text    null: all
--   $5 before       uuid    event of the last delivery of the previous page
--   $6 most         bigint

select d.id, d.event_id, d.type,
       case when d.state = 'pending' and e.disabled_reason is not null then 'held' else d.state end as state,
       d.attempts, d.status, d.error,
       case when d.state = 'pending' and e.disabled_reason is null then d.due_at end as next_attempt_at,
       d.created_at, d.finished_at
  from webhook_deliveries d
  join webhook_endpoints e on e.id = d.endpoint_id
 where d.endpoint_id = $1
   and e.user_id = $2
   and ($3::text is null
        or case when d.state = 'pending' and e.disabled_reason is not null then 'held' else d.state end = $3)
   and ($4::text is null or d.type = $4)
   and d.event_id < $5
 order by d.event_id desc
 limit $6;
