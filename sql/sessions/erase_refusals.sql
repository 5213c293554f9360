-- Deletes the counts of an account's refused sign-ins. Returns their number.
--
--   $1 user_id  uuid
--   $2 most     bigint  the batch size

with gone as (
    delete from session_refusals
     where ctid = any(array(select ctid from session_refusals where user_id = $1 limit $2 for update))
    returning 1
)
select count(*)::integer from gone;
