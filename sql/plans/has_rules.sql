-- Tells whether a target has rules.
--
--   $1 tier_target_id  bigint

select exists (select from plan_rules where tier_target_id = $1);
