-- Ends following an author. Without a row nothing happens.
--
--   $1 author_id    uuid
--   $2 follower_id  uuid

delete from article_follows
 where author_id = $1
   and follower_id = $2;
