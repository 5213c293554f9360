-- The accounts that are superusers or hold a role, by address: a page of them after the last one of the page before.
--
--   $1 role   text    this role alone; null: any
--   $2 after  text    the last page's last address, or ''
--   $3 most   bigint

select id, email, is_superuser, is_active, roles
  from users
 where email > $2
   and (is_superuser or roles <> '{}')
   and ($1::text is null or $1 = any(roles))
 order by email
 limit $3;
