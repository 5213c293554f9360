-- Deletes a dead message after it was published to its topic again.
--
--   $1 id  uuid

delete from inbox_dead
 where id = $1;
