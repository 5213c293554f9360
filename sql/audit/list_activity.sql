-- An account's own entries, newest first. From where an administrator acted is the administrator's.
--
--   $1 user_id  uuid
--   $2 before   uuid    the last page's last one, or null
--   $3 most     bigint

select id, type, created_at,
       case when principal_id is null or principal_id = $1 then address end as address,
       case when principal_id is null or principal_id = $1 then user_agent end as user_agent,
       case when principal_id = $1 then 'you'
            when principal_id is not null then 'administrator'
            when address is not null then 'somebody'
            else 'system' end as by,
       (data - 'user_id' - 'type')::text as data
  from audit_entries
 where data ->> 'user_id' = $1::uuid::text
   and ($2::uuid is null or id < $2)
 order by id desc
 limit $3;
