-- Finds live sessions, with the current privileges of their accounts.
--
--   $1 id       uuid[]  the sessions
--   $2 user_id  uuid[]  the accounts that the tokens name

select found.*
  from unnest((select $1::uuid[]), (select $2::uuid[])) as asked (id, user_id)
 cross join lateral (
    select sessions.id, sessions.user_id, users.is_superuser, users.is_verified, users.roles
      from sessions
      join users on users.id = sessions.user_id
     where sessions.id = asked.id
       and sessions.user_id = asked.user_id
       and sessions.ended_at is null
       and sessions.expires_at > now()
       and sessions.idle_expires_at > now()
       and users.is_active
       and (sessions.created_at >= users.credentials_changed_at or sessions.id = users.credentials_changed_by)
     limit 1
) as found;
