-- Removes from where somebody acted who is no account of ours, on no account of ours, such as a refused sign-in to an address that has
-- none, so long afterwards; so many at a time, and only what is sealed. Answers how many.
--
--   $1 age   interval
--   $2 most  bigint

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
