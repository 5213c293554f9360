-- Returns a message that cannot be published again to the dead letters, where it stays until it is discarded.
--
--   $1 id      uuid
--   $2 reason  text

update inbox_dead
   set retried_at = null,
       last_error = $2
 where id = $1;
