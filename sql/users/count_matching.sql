-- Counts the accounts that match a search, up to a bound.
--
--   $1 search  text    a tsquery over users.search, answered by the index
--   $2 rest    text    a tsquery that filters the result, or null
--   $3 most    bigint  the bound

select count(*)
  from (select 1
          from users
         where users.search @@ $1::text::tsquery
           and ($2::text is null or ts_match_vq(users.search, $2::tsquery))
         limit $3) as found;
