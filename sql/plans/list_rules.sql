-- Lists rules in the order of their ids.
--
--   $1 tier_target_id  bigint  only of this target; null: any
--   $2 after           bigint  the last id of the previous page, or 0
--   $3 most            bigint  the page size

select id, tier_target_id, name, path, most as "limit", seconds as period
  from plan_rules
 where id > $2
   and ($1::bigint is null or tier_target_id = $1)
 order by id
 limit $3;
