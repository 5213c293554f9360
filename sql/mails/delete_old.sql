-- Deletes a batch of old mails. Returns their number.
--
--   $1 days  integer
--   $2 most  bigint

with swept as (
    delete from mails
     where id = any(array(
        select id
          from mails
         where created_at < now() - $1::integer * interval '1 day'
         order by created_at
         limit $2))
    returning 1
)
select count(*)::integer from swept;
