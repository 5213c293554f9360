-- Deletes a tier. Violates plan_targets_tier_id_fkey if it has targets.
--
--   $1 id  bigint

delete from plan_tiers
 where id = $1;
