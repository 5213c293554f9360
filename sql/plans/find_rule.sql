-- Finds a rule.
--
--   $1 id  bigint

select id, tier_target_id, name, path, most as "limit", seconds as period, quota, quota_period
  from plan_rules
 where id = $1;
