-- Locks the superusers that can sign in and whose deletion is not pending, until the end of the transaction. Call this
-- before locking a single account. Locks in the order of ids, so that concurrent callers do not deadlock.
--
--   $1 verified  boolean  whether signing in requires a verified address

select id
  from users
 where is_superuser
   and is_active
   and password_hash is not null
   and delete_after is null
   and (is_verified or not $1)
 order by id
   for no key update;
