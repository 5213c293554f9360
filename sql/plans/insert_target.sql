-- Inserts a target. Violates plan_targets_active_key if it is active and has a tier already, and
-- plan_targets_tier_id_fkey if there is no such tier.
--
--   $1 tier_id      bigint
--   $2 target_type  text
--   $3 target_id    text
--   $4 user_id      uuid     the account that it names, if it exists; or null
--   $5 name         text     or null
--   $6 is_active    boolean

insert into plan_targets (tier_id, target_type, target_id, user_id, name, is_active)
values ($1, $2, $3, (select id from users where id = $4 for key share), $5, $6)
returning id;
