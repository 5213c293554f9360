-- Deletes a batch of expired exports. Returns their number.
--
--   $1 most  bigint  the batch size

with gone as (
    delete from personal_exports
     where id = any(array(
        select id
          from personal_exports
         where expires_at <= now()
         order by expires_at
         limit $1
           for update skip locked))
    returning 1
)
select count(*)::integer from gone;
