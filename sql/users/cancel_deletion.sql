-- Keeps an account that was to be deleted; no row where it was not.
--
--   $1 id  uuid

update users
   set deletion_requested_at = null, delete_after = null
 where id = $1
   and delete_after is not null
returning id;
