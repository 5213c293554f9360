-- The tags that most articles have.

select tag, count(*) as articles
  from articles, unnest(tags) as tag
 where hidden_at is null
 group by tag
 order by count(*) desc, tag
 limit 50;
