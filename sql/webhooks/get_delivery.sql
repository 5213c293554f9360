-- Gets a delivery of an account's endpoint.
--
--   $1 endpoint_id  uuid
--   $2 id           uuid
--   $3 user_id      uuid

select d.id, d.event_id, d.type,
       case when d.state = 'pending' and e.disabled_reason is not null then 'held' else d.state end as state,
       d.attempts, d.status, d.error,
       case when d.state = 'pending' and e.disabled_reason is null then d.due_at end as next_attempt_at,
       d.created_at, d.finished_at
  from webhook_deliveries d
  join webhook_endpoints e on e.id = d.endpoint_id
 where d.endpoint_id = $1
   and d.id = $2
   and e.user_id = $3;
