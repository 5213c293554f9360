-- Deletes a target.
--
--   $1 id  bigint

delete from plan_targets
 where id = $1;
