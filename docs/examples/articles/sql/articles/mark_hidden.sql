-- Hides an article. Hiding it again keeps the first time, from which its deletion is counted.
--
--   $1 id  uuid

update articles
   set hidden_at = coalesce(hidden_at, now())
 where id = $1
returning id, author_id;
