-- Returns an account's sign-ins as JSON, oldest first, also those that have ended. Omits the id of the device, by which a
-- device is recognized.
--
--   $1 user_id  uuid

select row_to_json(found)::text
  from (select id, method, mode, address, user_agent, created_at, last_seen_at, expires_at, ended_at, end_reason
          from sessions
         where user_id = $1
         order by id) as found;
