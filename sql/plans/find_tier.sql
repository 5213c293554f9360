-- Finds a tier.
--
--   $1 id  bigint

select id, name, created_at
  from plan_tiers
 where id = $1;
