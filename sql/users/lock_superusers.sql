-- The superusers that can sign in and are here to stay, none of whom ceases to be one before the transaction ends. To be asked before any
-- one account is locked: always in the same order, so that two who ask never wait for each other.
--
--   $1 verified  boolean  whether only a confirmed address may sign in

select id
  from users
 where is_superuser
   and is_active
   and password_hash is not null
   and delete_after is null
   and (is_verified or not $1)
 order by id
   for no key update;
