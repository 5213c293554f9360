-- Some of those who follow an author, in the order of their ids.
--
--   $1 author_id  uuid
--   $2 after      uuid    where the ones before ended
--   $3 most       bigint

select follower_id
  from article_follows
 where author_id = $1
   and follower_id > $2
 order by follower_id
 limit $3;
