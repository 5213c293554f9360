-- Changes a rule. Violates plan_rules_path_key or plan_rules_name_key if the target has another one with this path or
-- name.
--
--   $1 id            bigint
--   $2 name          text
--   $3 path          text    normalized
--   $4 most          bigint  requests
--   $5 seconds       bigint
--   $6 quota         bigint  calls in each day or month, or null
--   $7 quota_period  text    day or month, or null

update plan_rules
   set name = $2, path = $3, most = $4, seconds = $5, quota = $6, quota_period = $7
 where id = $1;
