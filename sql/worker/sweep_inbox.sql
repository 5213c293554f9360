-- Forgets messages that were acted on 30 days ago, so many at a time; answers how many.
--
--   $1 most  bigint

with swept as (
    delete from inbox
     where ctid = any(array(select ctid from inbox where received_at < now() - interval '30 days' limit $1))
    returning 1
)
select count(*)::integer from swept;
