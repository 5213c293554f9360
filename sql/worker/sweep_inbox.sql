-- Deletes messages 30 days after they were processed. Returns their number.
--
--   $1 most  bigint  the batch size

with swept as (
    delete from inbox
     where ctid = any(array(select ctid from inbox where received_at < now() - interval '30 days' limit $1))
    returning 1
)
select count(*)::integer from swept;
