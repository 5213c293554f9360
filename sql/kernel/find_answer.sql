-- Finds the answer that is kept for a key.
--
--   $1 ids  bytea[]  the ids of the caller and the key, with each current secret

select id, sealed
  from answers
 where id = any($1)
   and created_at > now() - interval '24 hours'
 limit 1;
