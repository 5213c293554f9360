-- How many accounts pass a search, counted up to a bound.
--
--   $1 search  text    a tsquery over users.search, which their index answers
--   $2 rest    text    another, asked of what it finds; or null
--   $3 most    bigint

select count(*)
  from (select 1
          from users
         where users.search @@ $1::text::tsquery
           and ($2::text is null or ts_match_vq(users.search, $2::tsquery))
         limit $3) as found;
