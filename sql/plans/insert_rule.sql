-- Inserts a rule. Violates plan_rules_path_key or plan_rules_name_key if the target has one with this path or name,
-- and plan_rules_tier_target_id_fkey if there is no such target.
--
--   $1 tier_target_id  bigint
--   $2 name            text
--   $3 path            text    normalized
--   $4 most            bigint  requests
--   $5 seconds         bigint

insert into plan_rules (tier_target_id, name, path, most, seconds)
values ($1, $2, $3, $4, $5)
returning id;
