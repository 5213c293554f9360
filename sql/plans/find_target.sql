-- Finds a target, with the address of the account that it names.
--
--   $1 id  bigint

select t.id, t.tier_id, t.target_type, t.target_id, t.name, t.is_active, t.created_at,
       (select email from users where users.id = t.user_id) as user_email
  from plan_targets t
 where t.id = $1;
