-- Whether everyone may read the article: its id, or 404.
--
--   $1 id  uuid

select id
  from articles
 where id = $1
   and hidden_at is null;
