-- An author. An account without an article that everyone may read is none: accounts are not listed here.
--
--   $1 id         uuid
--   $2 reader_id  uuid  null: not signed in

select u.id, u.name,
       (select count(*) from articles a where a.author_id = u.id and a.hidden_at is null) as articles,
       (select count(*) from article_follows f where f.author_id = u.id) as followers,
       exists (select from article_follows f where f.author_id = u.id and f.follower_id = $2) as following,
       exists (select from article_avatars v where v.user_id = u.id) as has_avatar
  from users u
 where u.id = $1
   and exists (select from articles a where a.author_id = u.id and a.hidden_at is null);
