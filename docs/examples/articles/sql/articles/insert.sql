-- Publishes an article.
--
--   $1 id         uuid
--   $2 author_id  uuid
--   $3 title      text
--   $4 body       text
--   $5 tags       text[]

insert into articles (id, author_id, title, body, tags)
values ($1, $2, $3, $4, $5);
