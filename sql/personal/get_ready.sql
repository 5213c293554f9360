-- Gets the id of an account's export if it can be downloaded.
--
--   $1 id       uuid
--   $2 user_id  uuid

select id
  from personal_exports
 where id = $1
   and user_id = $2
   and ready_at is not null
   and expires_at > now();
