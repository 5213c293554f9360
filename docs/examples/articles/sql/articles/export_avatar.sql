-- Returns an account's picture as JSON, for the export of its data.
--
--   $1 user_id  uuid

select row_to_json(found)::text
  from (select media_type, encode(content, 'base64') as content
          from article_avatars
         where user_id = $1) as found;
