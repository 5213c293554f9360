-- Comments on an article that everyone may read. The article's row is locked, so that its events are in the order of their commits.
--
--   $1 id          uuid
--   $2 article_id  uuid
--   $3 author_id   uuid
--   $4 body        text

with article as (
    select id from articles where id = $2 and hidden_at is null for no key update
)
insert into article_comments (id, article_id, author_id, body)
select $1, article.id, $3, $4 from article
returning id;
