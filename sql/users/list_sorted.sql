-- The accounts after a place in a list. One branch of the union runs; it lists ids, and the columns are read for these alone. The first
-- four read along an index until there are enough: for all accounts, or for a search that many pass. The last is for a search that few
-- pass: it finds all of them by the index of their words, and sorts them. ts_match_vq is the operator @@ where no index may answer it.
--
--   $1 sort         text     created_at, -created_at, email, -email
--   $2 after_id     uuid     where the page before ended, sorted by created_at
--   $3 after_email  text     the same, sorted by email
--   $4 search       text     a tsquery over users.search, which their index answers; null for all
--   $5 rest         text     another, asked of what the first finds; or null
--   $6 few          boolean  whether few accounts pass the search
--   $7 most         bigint

with found as materialized (
    select id, email
      from users
     where $6
       and users.search @@ $4::text::tsquery
       and ($5::text is null or ts_match_vq(users.search, $5::tsquery))
)
select id, email, name, is_active, is_superuser, is_verified, roles, created_at, updated_at
  from users
 where id = any(array(
    (select id
       from users
      where not $6 and $1 = 'created_at'
        and id > $2
        and ($4 is null or ts_match_vq(users.search, $4::tsquery))
        and ($5 is null or ts_match_vq(users.search, $5::tsquery))
      order by id
      limit $7)
    union all
    (select id
       from users
      where not $6 and $1 = '-created_at'
        and id < $2
        and ($4 is null or ts_match_vq(users.search, $4::tsquery))
        and ($5 is null or ts_match_vq(users.search, $5::tsquery))
      order by id desc
      limit $7)
    union all
    (select id
       from users
      where not $6 and $1 = 'email'
        and email > $3
        and ($4 is null or ts_match_vq(users.search, $4::tsquery))
        and ($5 is null or ts_match_vq(users.search, $5::tsquery))
      order by email
      limit $7)
    union all
    (select id
       from users
      where not $6 and $1 = '-email'
        and email < $3
        and ($4 is null or ts_match_vq(users.search, $4::tsquery))
        and ($5 is null or ts_match_vq(users.search, $5::tsquery))
      order by email desc
      limit $7)
    union all
    (select id
       from found
      where case $1
                when 'created_at' then id > $2
                when '-created_at' then id < $2
                when 'email' then email > $3
                else email < $3
            end
      order by case when $1 = 'created_at' then id end,
               case when $1 = '-created_at' then id end desc,
               case when $1 = 'email' then email end,
               case when $1 = '-email' then email end desc
      limit $7)))
 order by case when $1 = 'created_at' then id end,
          case when $1 = '-created_at' then id end desc,
          case when $1 = 'email' then email end,
          case when $1 = '-email' then email end desc;
