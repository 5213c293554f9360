-- One comment.
--
--   $1 id  uuid

select c.id, c.body, jsonb_build_object('id', u.id, 'name', u.name) as author, c.created_at
  from article_comments c
  join users u on u.id = c.author_id
 where c.id = $1;
