-- Deletes a rule.
--
--   $1 id  bigint

delete from plan_rules
 where id = $1;
