-- Deletes a batch of deliveries whose endpoint was deleted. Returns their number. Visits each endpoint with deliveries
-- once, along the index.
--
--   $1 most  bigint

with recursive known (endpoint_id) as (
    (select endpoint_id from webhook_deliveries order by endpoint_id limit 1)
    union all
    select (select d.endpoint_id
              from webhook_deliveries d
             where d.endpoint_id > known.endpoint_id
             order by d.endpoint_id
             limit 1)
      from known
     where known.endpoint_id is not null
), swept as (
    delete from webhook_deliveries
     where id = any(array(
        select d.id
          from known
          join webhook_deliveries d on d.endpoint_id = known.endpoint_id
         where not exists (select from webhook_endpoints e where e.id = known.endpoint_id)
         limit $1))
    returning 1
)
select count(*)::integer from swept;
