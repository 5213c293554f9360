-- Lists the superusers and the accounts with a role, by address.
--
--   $1 role   text    only this role; null: any
--   $2 after  text    the last address of the previous page, or ''
--   $3 most   bigint  the page size

select id, email, is_superuser, is_active, roles
  from users
 where email > $2
   and (is_superuser or roles <> '{}')
   and ($1::text is null or $1 = any(roles))
 order by email
 limit $3;
