-- Renames a tier. Violates plan_tiers_name_key if the name is taken.
--
--   $1 id    bigint
--   $2 name  text

update plan_tiers
   set name = $2
 where id = $1;
