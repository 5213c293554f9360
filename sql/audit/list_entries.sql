-- Lists audit entries, newest first.
--
--   $1 user_id  uuid         the account, or null for any
--   $2 type     text         the entry type, or null for any
--   $3 since    timestamptz  inclusive, or null
--   $4 until    timestamptz  exclusive, or null
--   $5 least    uuid         an id that no entry since then is below, or null
--   $6 most     uuid         an id that no entry until then is above, or null
--   $7 before   uuid         the last id of the previous page, or null
--   $8 number   bigint       the page size

select id, type, key, data::text, principal_id, address, user_agent, traceparent, created_at,
       data_salt, origin_salt, position, data_digest, origin_digest, hash
  from audit_entries
 where ($1::uuid is null
        or (case when subjects is null then data ->> 'user_id' else subjects[1]::text end) = $1::text
        or subjects[2] = $1)
   and ($2::text is null or type = $2)
   and ($3::timestamptz is null or created_at >= $3)
   and ($4::timestamptz is null or created_at < $4)
   and ($5::uuid is null or id >= $5)
   and ($6::uuid is null or id <= $6)
   and ($7::uuid is null or id < $7)
 order by id desc
 limit $8;
