-- Changes an article that is locked.
--
--   $1 id     uuid
--   $2 title  text
--   $3 body   text
--   $4 tags   text[]

update articles
   set title = $2, body = $3, tags = $4, version = version + 1, updated_at = now()
 where id = $1;
