-- Cancels the deletion of an account. Returns no row if none was requested.
--
--   $1 id  uuid

update users
   set deletion_requested_at = null, delete_after = null
 where id = $1
   and delete_after is not null
returning id;
