-- Erases the origin of old sealed entries that refer to no account, such as refused sign-ins with an unknown email
-- address. Returns the number of entries.
--
--   $1 age   interval  the minimum age of an entry
--   $2 most  bigint    the batch size

with erased as (
    update audit_entries
       set address = null, user_agent = null, origin_salt = null
     where id = any(array(
        select id
          from audit_entries
         where (case when subjects is null then data ->> 'user_id' else subjects[1]::text end) is null
           and principal_id is null
           and address is not null
           and position is not null
           and created_at < now() - $1::interval
         order by created_at
         limit $2
           for update skip locked))
    returning 1
)
select count(*)::integer from erased;
