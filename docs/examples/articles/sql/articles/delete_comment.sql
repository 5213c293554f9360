-- Deletes a comment: one's own, or any as an editor. Returns its author.
--
--   $1 article_id  uuid
--   $2 id          uuid
--   $3 by          uuid
--   $4 is_editor   boolean

delete from article_comments
 where id = $2
   and article_id = $1
   and (author_id = $3 or $4)
returning author_id;
