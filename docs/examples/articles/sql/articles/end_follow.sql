-- Ends following an author, by the token of a mail. Without a row nothing happens.
--
--   $1 token  uuid

delete from article_follows
 where token = $1;
