-- Returns an account's favourites as JSON, for the export of its data.
--
--   $1 user_id  uuid

select row_to_json(found)::text
  from (select article_id
          from article_favourites
         where user_id = $1) as found;
