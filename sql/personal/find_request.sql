-- Finds a request, and the address of its account. `may_mail` is false for an account that is disabled, being deleted or no
-- longer confirmed.
--
--   $1 id  uuid

select e.user_id, u.email, u.language, u.is_active and u.is_verified and u.delete_after is null as may_mail,
       e.ready_at is not null as is_ready, e.expires_at
  from personal_exports e
  join users u on u.id = e.user_id
 where e.id = $1;
