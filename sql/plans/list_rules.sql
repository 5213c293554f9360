-- Lists rules in the order of their ids, and counts all that match.
--
--   $1 tier_target_id  bigint  only of this target; null: any
--   $2 tier_id         bigint  only of targets of this tier; null: any
--   $3 after           bigint  the last id of the previous page, or 0
--   $4 most            bigint  the page size and one more

with matching as (
    select id, tier_target_id, name, path, most as "limit", seconds as period, quota, quota_period
      from plan_rules
     where ($1::bigint is null or tier_target_id = $1)
       and ($2::bigint is null or tier_target_id in (select id from plan_targets where tier_id = $2))
)
select counted.total, page.*
  from (select count(*) as total from matching) as counted
  left join (select * from matching where id > $3 order by id limit $4) as page on true
 order by page.id;
