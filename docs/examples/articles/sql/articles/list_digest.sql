-- Lists the articles that an account's authors published since a time, the most popular first.
--
--   $1 reader_id  uuid
--   $2 since      timestamptz
--   $3 most       bigint

select a.id, a.title, u.name as author
  from articles a
  join article_follows f on f.author_id = a.author_id and f.follower_id = $1
  join users u on u.id = a.author_id
 where a.created_at >= $2
   and a.hidden_at is null
 order by a.favourites desc, a.id desc
 limit $3;
