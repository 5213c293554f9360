-- The same for the account with this address, held until the transaction ends: what is mailed to it is counted meanwhile.
--
--   $1 email  text  in any case: tasks of an earlier release have it as it was typed

select id, email, pending_email, language, password_hash is not null as has_password, is_verified, credentials_changed_at, delete_after
  from users
 where email = lower($1 collate "C")
   and is_active
   for no key update;
