-- Returns the tiers that an account was given as JSON.
--
--   $1 user_id  uuid

select row_to_json(found)::text
  from (select t.id, r.name as tier, t.name, t.is_active, t.created_at
          from plan_targets t
          join plan_tiers r on r.id = t.tier_id
         where t.user_id = $1
         order by t.id) as found;
