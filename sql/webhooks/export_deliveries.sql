-- Returns the deliveries to an account's endpoints as JSON. Omits the event, which may be about another account. Not
-- sorted, because a sort would read all rows before the first one.
--
--   $1 user_id  uuid

select row_to_json(found)::text
  from (select d.id, d.endpoint_id, d.type, d.state, d.attempts, d.status, d.error, d.created_at, d.finished_at
          from webhook_endpoints e
          join webhook_deliveries d on d.endpoint_id = e.id
         where e.user_id = $1) as found;
