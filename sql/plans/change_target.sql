-- Changes a target. Violates plan_targets_active_key if it is active and has a tier already, and
-- plan_targets_tier_id_fkey if there is no such tier.
--
--   $1 id           bigint
--   $2 tier_id      bigint
--   $3 target_type  text
--   $4 target_id    text
--   $5 user_id      uuid     the account that it names, if it exists; or null
--   $6 name         text     or null
--   $7 is_active    boolean

update plan_targets
   set tier_id = $2,
       target_type = $3,
       target_id = $4,
       user_id = (select id from users where id = $5 for key share),
       name = $6,
       is_active = $7
 where id = $1;
