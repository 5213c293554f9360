-- Returns an account's notifications as JSON.
--
--   $1 user_id  uuid

select row_to_json(found)::text
  from (select id, number, kind, subject, body as text, link, data, created_at, seen_at, read_at
          from notifications
         where user_id = $1
         order by number) as found;
