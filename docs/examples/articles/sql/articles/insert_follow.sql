-- Lets an account follow an author. Again changes nothing.
--
--   $1 author_id    uuid
--   $2 follower_id  uuid

insert into article_follows (author_id, follower_id)
select u.id, $2
  from users u
 where u.id = $1
   and exists (select from articles a where a.author_id = u.id and a.hidden_at is null)
on conflict (author_id, follower_id) do update set token = article_follows.token
returning author_id;
