-- The accounts after an address, by address. Read along an index until there are enough:
-- for all accounts, or for a search that many pass. The function is the operator @@ where no index may answer it.
--
--   $1 after   text    where the page before ended
--   $2 search  text    a tsquery over users.search; null for all
--   $3 most    bigint

select id, email, name, is_active, is_superuser, is_verified, roles, created_at, updated_at
  from users
 where email > $1
   and ($2::text is null or ts_match_vq(users.search, $2::tsquery))
 order by email
 limit $3;
