-- Removes links of the chain, those between two positions.
--
--   $1 after  bigint  the position before the first
--   $2 last   bigint

delete from audit_entries
 where position > $1
   and position <= $2;
