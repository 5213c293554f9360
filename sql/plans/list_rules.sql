-- Lists rules in the order of their ids, and counts all that match.
--
--   $1 tier_target_id  bigint  only of this target; null: any
--   $2 after           bigint  the last id of the previous page, or 0
--   $3 most            bigint  the page size and one more

select counted.total, page.*
  from (select count(*) as total
          from plan_rules
         where ($1::bigint is null or tier_target_id = $1)) as counted
  left join (
    select id, tier_target_id, name, path, most as "limit", seconds as period
      from plan_rules
     where id > $2
       and ($1::bigint is null or tier_target_id = $1)
     order by id
     limit $3) as page on true
 order by page.id;
