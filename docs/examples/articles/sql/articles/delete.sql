-- Deletes an article: one's own, or any as an editor.
--
--   $1 id         uuid
--   $2 by         uuid
--   $3 is_editor  boolean

delete from articles
 where id = $1
   and (author_id = $2 or $3)
returning id, author_id;
