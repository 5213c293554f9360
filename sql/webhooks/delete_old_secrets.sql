-- Deletes a batch of expired secrets. Returns their number.
--
--   $1 most  bigint

with swept as (
    delete from webhook_secrets
     where id = any(array(select id from webhook_secrets where expires_at < now() order by expires_at limit $1))
    returning 1
)
select count(*)::integer from swept;
