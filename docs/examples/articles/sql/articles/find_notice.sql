-- Finds the data of a mail about a new article for a follower. Returns no row if either is deleted or the address is unconfirmed.
--
--   $1 article_id   uuid
--   $2 follower_id  uuid

select reader.email, reader.language, f.token, a.title, writer.name as author
  from articles a
  join users writer on writer.id = a.author_id
  join article_follows f on f.author_id = a.author_id and f.follower_id = $2
  join users reader on reader.id = f.follower_id
 where a.id = $1
   and a.hidden_at is null
   and reader.is_active
   and reader.is_verified;
