-- Returns an account's exports as JSON, oldest first.
--
--   $1 user_id  uuid

select row_to_json(found)::text
  from (select id, requested_at, ready_at, expires_at, size
          from personal_exports
         where user_id = $1
         order by id) as found;
