-- Returns the attempts of deliveries to an account's endpoints as JSON. Omits what a receiver of the events of all accounts
-- answered, because it may repeat what it was sent. Not sorted, because a sort would read all rows before the first one.
--
--   $1 user_id  uuid

select row_to_json(found)::text
  from (select a.delivery_id, a.number, a.started_at, a.status, a.error, a.total_ms,
               case when e.scope = 'own' then a.response end as response
          from webhook_endpoints e
          join webhook_deliveries d on d.endpoint_id = e.id
          join webhook_attempts a on a.delivery_id = d.id
         where e.user_id = $1) as found;
