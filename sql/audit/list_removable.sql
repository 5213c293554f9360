-- Lists the oldest links of the chain, up to the first one that is younger than the given age.
--
--   $1 after  bigint    exclusive
--   $2 age    interval
--   $3 most   bigint

with page as (
    select id, type, key, data, principal_id, address, user_agent, traceparent, created_at,
           data_salt, origin_salt, position, data_digest, origin_digest, hash
      from audit_entries
     where position > $1
     order by position
     limit $3
)
select id, type, key, data::text, principal_id, address, user_agent, traceparent, created_at,
       data_salt, origin_salt, position, data_digest, origin_digest, hash
  from page
 where not exists (select from page as earlier
                    where earlier.position <= page.position
                      and earlier.created_at >= now() - $2::interval)
 order by position;
