-- Makes failed deliveries of an endpoint pending for one attempt. Returns their number.
--
--   $1 endpoint_id  uuid
--   $2 since        timestamptz  the time of the event, at the earliest
--   $3 most         bigint

with again as (
    update webhook_deliveries
       set once = true, state = 'pending', due_at = created_at, finished_at = null
     where id = any(array(
        select id
          from webhook_deliveries
         where endpoint_id = $1
           and state = 'failed'
           and created_at >= $2
         order by event_id
         limit $3))
    returning 1
)
select count(*)::integer from again;
