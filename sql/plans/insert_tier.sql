-- Inserts a tier. Violates plan_tiers_name_key if the name is taken.
--
--   $1 name  text

insert into plan_tiers (name)
values ($1)
returning id;
