-- Lists accounts by creation, oldest first. Reads along an index until the page is full, for all accounts or for a
-- search with many matches. Uses the function of the operator @@, so that the planner does not choose the search index.
--
--   $1 after   uuid    the last id of the previous page
--   $2 search  text    a tsquery over users.search; null for all
--   $3 most    bigint  the page size

select id, email, name, is_active, is_superuser, is_verified, roles, created_at, updated_at
  from users
 where id > $1
   and ($2::text is null or ts_match_vq(users.search, $2::tsquery))
 order by id
 limit $3;
