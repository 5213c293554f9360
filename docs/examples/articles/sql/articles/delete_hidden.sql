-- Deletes the article that was hidden first, if that is long enough ago.
--
--   $1 days  integer

delete from articles
 where id = (
        select id
          from articles
         where hidden_at < now() - make_interval(days => $1)
         order by hidden_at
         limit 1
           for update skip locked)
returning id, author_id;
