-- Deletes the links of the chain between two positions.
--
--   $1 after  bigint  exclusive
--   $2 last   bigint  inclusive

delete from audit_entries
 where position > $1
   and position <= $2;
