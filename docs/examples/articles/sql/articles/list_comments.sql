-- An article's comments, oldest first.
--
--   $1 article_id  uuid
--   $2 after       uuid    where the page before ended
--   $3 most        bigint

select c.id, c.body, jsonb_build_object('id', u.id, 'name', u.name) as author, c.created_at
  from article_comments c
  join users u on u.id = c.author_id
 where c.article_id = $1
   and c.id > $2
 order by c.id
 limit $3;
