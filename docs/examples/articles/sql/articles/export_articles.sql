-- Returns an account's articles as JSON, for the export of its data.
--
--   $1 user_id  uuid

select row_to_json(found)::text
  from (select id, title, body, tags, version, favourites, hidden_at, created_at, updated_at
          from articles
         where author_id = $1) as found;
