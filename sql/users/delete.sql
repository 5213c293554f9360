-- Deletes an account with its sessions and tokens.
--
--   $1 id  uuid

delete from users
 where id = $1
returning id;
