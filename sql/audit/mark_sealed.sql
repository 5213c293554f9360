-- Appends links to the chain, in the order of the arrays. Element n of each array belongs to entry n.
--
--   $1 ids             uuid[]
--   $2 after           bigint   the position of the last link so far
--   $3 data_digests    bytea[]
--   $4 origin_digests  bytea[]
--   $5 hashes          bytea[]

update audit_entries
   set position = $2 + sealed.number,
       data_digest = sealed.data_digest,
       origin_digest = sealed.origin_digest,
       hash = sealed.hash
  from unnest($1::uuid[], $3::bytea[], $4::bytea[], $5::bytea[])
       with ordinality as sealed (id, data_digest, origin_digest, hash, number)
 where audit_entries.id = sealed.id;
