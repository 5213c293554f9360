-- Counts an endpoint's deliveries, up to a bound.
--
--   $1 endpoint_id  uuid
--   $2 user_id      uuid    the endpoint's owner
--   $3 state        text    null: all
--   $4 type         text    null: all
--   $5 most         bigint

select count(*)::integer
  from (select
          from webhook_deliveries d
          join webhook_endpoints e on e.id = d.endpoint_id
         where d.endpoint_id = $1
           and e.user_id = $2
           and ($3::text is null
                or case when d.state = 'pending' and e.disabled_reason is not null then 'held' else d.state end = $3)
           and ($4::text is null or d.type = $4)
         limit $5) as counted;
