-- Lists the links of the chain after a position.
--
--   $1 after  bigint  exclusive
--   $2 most   bigint

select id, type, key, data::text, principal_id, address, user_agent, traceparent, created_at,
       data_salt, origin_salt, position, data_digest, origin_digest, hash
  from audit_entries
 where position > $1
 order by position
 limit $2;
