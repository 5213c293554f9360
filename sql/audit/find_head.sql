-- Finds the last link of the chain.

select position as last, hash as link
  from audit_entries
 where position is not null
 order by position desc
 limit 1;
