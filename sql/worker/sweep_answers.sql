-- Deletes a batch of answers that were kept for 24 hours. Returns their number.
--
--   $1 most  bigint  the batch size

with swept as (
    delete from answers
     where ctid = any(array(select ctid from answers where created_at < now() - interval '24 hours' limit $1))
    returning 1
)
select count(*)::integer from swept;
