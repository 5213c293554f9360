-- Deletes a batch of old deliveries. Returns their number.
--
--   $1 days  integer
--   $2 most  bigint

with swept as (
    delete from webhook_deliveries
     where id = any(array(
        select id
          from webhook_deliveries
         where created_at < now() - $1::integer * interval '1 day'
         order by created_at
         limit $2))
    returning 1
)
select count(*)::integer from swept;
