-- An author's picture.
--
--   $1 user_id  uuid

select media_type, content
  from article_avatars
 where user_id = $1;
