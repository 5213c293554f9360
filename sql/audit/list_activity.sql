-- Lists the entries about an account, newest first. The origin of an administrator's action is not returned.
--
--   $1 user_id  uuid
--   $2 before   uuid    the last id of the previous page, or null
--   $3 most     bigint  the page size
--   $4 hidden   text[]  types of events that are not listed

with found as (
    (select id
       from audit_entries
      where (case when subjects is null then data ->> 'user_id' else subjects[1]::text end) = $1::uuid::text
        and ($2::uuid is null or id < $2)
        and type <> all($4)
      order by id desc
      limit $3)
    union
    (select id
       from audit_entries
      where subjects[2] = $1
        and ($2::uuid is null or id < $2)
        and type <> all($4)
      order by id desc
      limit $3)
    order by id desc
    limit $3
)
select id, type, created_at,
       case when principal_id is null or principal_id = $1 then address end as address,
       case when principal_id is null or principal_id = $1 then user_agent end as user_agent,
       case when principal_id = $1 then 'you'
            when principal_id is not null then 'administrator'
            when address is not null then 'somebody'
            else 'system' end as by,
       (select jsonb_object_agg(key, value)::text
          from jsonb_each(data)
         where key <> 'type'
           and value <> to_jsonb($1::text)) as data
  from found
  join audit_entries using (id)
 order by id desc;
