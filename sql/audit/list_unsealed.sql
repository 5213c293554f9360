-- What is to be sealed, oldest first. Chosen by its state: one that commits late has a lower number and a later position.
--
--   $1 most  bigint

select id, type, key, data::text, principal_id, address, user_agent, traceparent, created_at,
       data_salt, origin_salt, position, data_digest, origin_digest, hash
  from audit_entries
 where position is null
 order by seq
 limit $1;
