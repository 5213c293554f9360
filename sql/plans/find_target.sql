-- Finds a target.
--
--   $1 id  bigint

select id, tier_id, target_type, target_id, name, is_active, created_at
  from plan_targets
 where id = $1;
