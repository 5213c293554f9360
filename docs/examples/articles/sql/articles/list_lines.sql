-- All articles that everyone may read, for the export, oldest first. Read row by row.

select id, title, tags, author_id, favourites, created_at
  from articles
 where hidden_at is null
 order by id;
