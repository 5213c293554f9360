-- How many comments an article has, counted up to a number.
--
--   $1 article_id  uuid
--   $2 most        bigint

select count(*)
  from (select from article_comments where article_id = $1 limit $2) as counted;
