-- Articles, newest first. Each filter that is null lets all pass.
--
--   $1 after          uuid    where the page before ended
--   $2 tag            text
--   $3 author_id      uuid
--   $4 favourited_by  uuid
--   $5 followed_by    uuid    only authors whom this account follows
--   $6 reader_id      uuid    null: not signed in
--   $7 most           bigint

select a.id, a.title, a.tags,
       jsonb_build_object('id', u.id, 'name', u.name) as author,
       a.favourites,
       exists (select from article_favourites f where f.article_id = a.id and f.user_id = $6) as favourited,
       a.created_at
  from articles a
  join users u on u.id = a.author_id
 where a.id < $1
   and a.hidden_at is null
   and ($2::text is null or a.tags @> array[$2::text])
   and ($3::uuid is null or a.author_id = $3)
   and ($4::uuid is null
        or a.id in (select article_id from article_favourites where user_id = $4))
   and ($5::uuid is null
        or a.author_id in (select author_id from article_follows where follower_id = $5))
 order by a.id desc
 limit $7;
