-- Returns an account's comments as JSON, for the export of its data.
--
--   $1 user_id  uuid

select row_to_json(found)::text
  from (select id, article_id, body, created_at
          from article_comments
         where author_id = $1) as found;
