-- The accounts after a place in a list, of the few that pass a search: found by its index, all of them, and sorted then. To read along
-- another index until there are enough would be to read the whole of it, where there are not. The function is the operator @@ where no
-- index may answer it.
--
--   $1 after_id     uuid
--   $2 after_email  text
--   $3 search       text    a tsquery over users.search, which their index answers
--   $4 rest         text    another, asked of what it finds; or null
--   $5 sort         text    created_at, -created_at, email, -email
--   $6 most         bigint

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
