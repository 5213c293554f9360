-- Removes a message that was published to its topic again.
--
--   $1 id  uuid

delete from inbox_dead
 where id = $1;
