-- Gets accounts by their ids.
--
--   $1 id  uuid[]

select found.*
  from unnest((select $1::uuid[])) as asked (id)
 cross join lateral (
    select id, email, name, is_active, is_superuser, is_verified, roles, created_at, updated_at, language, pending_email
      from users
     where id = asked.id
     limit 1
) as found;
