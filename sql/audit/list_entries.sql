-- Lists audit entries, newest first.
--
--   $1 user_id  uuid    the account, or null for any
--   $2 type     text    the entry type, or null for any
--   $3 before   uuid    the last id of the previous page, or null
--   $4 most     bigint  the page size

select id, type, key, data::text, principal_id, address, user_agent, traceparent, created_at,
       data_salt, origin_salt, position, data_digest, origin_digest, hash
  from audit_entries
 where ($1::uuid is null
        or (case when subjects is null then data ->> 'user_id' else subjects[1]::text end) = $1::text
        or subjects[2] = $1)
   and ($2::text is null or type = $2)
   and ($3::uuid is null or id < $3)
 order by id desc
 limit $4;
