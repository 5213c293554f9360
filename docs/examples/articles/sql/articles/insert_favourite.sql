-- Makes an article one of an account's favourites. The count changes only where it was none before.
--
--   $1 article_id  uuid
--   $2 user_id     uuid

with added as (
    insert into article_favourites (article_id, user_id)
    select id, $2 from articles where id = $1 and hidden_at is null
    on conflict do nothing
    returning 1
)
update articles
   set favourites = favourites + (select count(*) from added)
 where id = $1
   and hidden_at is null
returning id;
