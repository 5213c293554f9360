-- Gives back a message that cannot be sent again: it is listed as a dead letter until somebody discards it.
--
--   $1 id      uuid
--   $2 reason  text

update inbox_dead
   set retried_at = null,
       last_error = $2
 where id = $1;
