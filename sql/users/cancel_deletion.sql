-- Cancels the deletion of an account. Returns no row if none was requested. The deletion of an account that was never
-- verified is announced again.
--
--   $1 id  uuid

update users
   set deletion_requested_at = null, delete_after = null, expires_after = null
 where id = $1
   and delete_after is not null
returning id;
