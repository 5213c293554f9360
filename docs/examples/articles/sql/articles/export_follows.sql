-- Returns the authors that an account follows as JSON, for the export of its data. Its followers are the data of others.
--
--   $1 user_id  uuid

select row_to_json(found)::text
  from (select author_id
          from article_follows
         where follower_id = $1) as found;
