-- What its author may change of an article, locked until the transaction ends. Ownership stands in `where`.
--
--   $1 id         uuid
--   $2 author_id  uuid

select version, title, body, tags
  from articles
 where id = $1
   and author_id = $2
   for no key update;
