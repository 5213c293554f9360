-- One article as a reader sees it. A hidden one is there for its author alone.
--
--   $1 id         uuid
--   $2 reader_id  uuid  null: not signed in

select a.id, a.version, a.title, a.body, a.tags,
       jsonb_build_object('id', u.id, 'name', u.name) as author,
       a.favourites,
       exists (select from article_favourites f where f.article_id = a.id and f.user_id = $2) as favourited,
       a.created_at, a.updated_at
  from articles a
  join users u on u.id = a.author_id
 where a.id = $1
   and (a.hidden_at is null or a.author_id = $2);
