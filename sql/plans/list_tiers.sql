-- Lists tiers in the order of their ids.
--
--   $1 after  bigint  the last id of the previous page, or 0
--   $2 most   bigint  the page size

select id, name, created_at
  from plan_tiers
 where id > $1
 order by id
 limit $2;
