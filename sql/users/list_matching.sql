-- Lists the accounts that match a search with few matches: reads all matches by the search index and sorts them.
-- Reading along the index of the sort order could read all of it before the page is full. Uses the function of the
-- operator @@ where the planner must not choose the search index.
--
--   $1 after_id     uuid
--   $2 after_email  text
--   $3 search       text    a tsquery over users.search, answered by the index
--   $4 rest         text    a tsquery that filters the result, or null
--   $5 sort         text    created_at, -created_at, email, -email
--   $6 most         bigint  the page size

with found as materialized (
    select id, email, name, is_active, is_superuser, is_verified, roles, created_at, updated_at
      from users
     where users.search @@ $3::text::tsquery
       and ($4::text is null or ts_match_vq(users.search, $4::tsquery))
)
select id, email, name, is_active, is_superuser, is_verified, roles, created_at, updated_at
  from found
 where case $5::text
           when 'created_at' then id > $1
           when '-created_at' then id < $1
           when 'email' then email > $2
           else email < $2
       end
 order by case when $5 = 'created_at' then id end,
          case when $5 = '-created_at' then id end desc,
          case when $5 = 'email' then email end,
          case when $5 = '-email' then email end desc
 limit $6;
