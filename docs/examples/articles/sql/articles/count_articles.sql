-- How many articles pass the filters of list_articles.sql, counted up to a number.
--
--   $1 tag            text
--   $2 author_id      uuid
--   $3 favourited_by  uuid
--   $4 followed_by    uuid
--   $5 most           bigint

select count(*)
  from (select
          from articles a
         where a.hidden_at is null
           and ($1::text is null or a.tags @> array[$1::text])
           and ($2::uuid is null or a.author_id = $2)
           and ($3::uuid is null
                or a.id in (select article_id from article_favourites where user_id = $3))
           and ($4::uuid is null
                or a.author_id in (select author_id from article_follows where follower_id = $4))
         limit $5) as counted;
