-- Takes an article out of an account's favourites. The count changes only where it was one.
--
--   $1 article_id  uuid
--   $2 user_id     uuid

with gone as (
    delete from article_favourites where article_id = $1 and user_id = $2 returning 1
)
update articles
   set favourites = favourites - (select count(*) from gone)
 where id = $1
   and hidden_at is null
returning id;
