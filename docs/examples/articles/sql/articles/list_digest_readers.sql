-- Some of those whose authors have published since, in the order of their ids.
--
--   $1 since  timestamptz
--   $2 after  uuid         where the ones before ended
--   $3 most   bigint

select distinct f.follower_id
  from article_follows f
  join articles a on a.author_id = f.author_id
 where a.created_at >= $1
   and a.hidden_at is null
   and f.follower_id > $2
 order by f.follower_id
 limit $3;
