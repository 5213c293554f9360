-- Inserts a rule. Violates plan_rules_path_key or plan_rules_name_key if the target has one with this path or name,
-- and plan_rules_tier_target_id_fkey if there is no such target.
--
--   $1 tier_target_id  bigint
--   $2 name            text
--   $3 path            text    normalized
--   $4 most            bigint  requests
--   $5 seconds         bigint
--   $6 quota           bigint  calls in each day or month, or null
--   $7 quota_period    text    day or month, or null

insert into plan_rules (tier_target_id, name, path, most, seconds, quota, quota_period)
values ($1, $2, $3, $4, $5, $6, $7)
returning id;
