-- The superusers that are here to stay, none of whom ceases to be one before the transaction ends. To be asked before any one account is
-- locked: always in the same order, so that two who ask never wait for each other.

select id
  from users
 where is_superuser
   and is_active
   and delete_after is null
 order by id
   for no key update;
