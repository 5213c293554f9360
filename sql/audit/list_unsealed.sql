-- Lists entries that are not sealed yet, oldest first. Selects by state and not by sequence number, because an entry
-- that commits late has a lower sequence number than entries that are already sealed.
--
--   $1 most  bigint

select id, type, key, data::text, principal_id, address, user_agent, traceparent, created_at,
       data_salt, origin_salt, position, data_digest, origin_digest, hash
  from audit_entries
 where position is null
 order by seq
 limit $1;
