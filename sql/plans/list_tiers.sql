-- Lists tiers in the order of their ids, and counts all that match.
--
--   $1 after  bigint  the last id of the previous page, or 0
--   $2 most   bigint  the page size and one more

select counted.total, page.*
  from (select count(*) as total
          from plan_tiers) as counted
  left join (
    select id, name, created_at
      from plan_tiers
     where id > $1
     order by id
     limit $2) as page on true
 order by page.id;
