-- Gets the payload of a delivery: its event's data, null if it was erased, and the time of the event.
--
--   $1 id  uuid

select d.event_id, d.type, coalesce(a.created_at, d.created_at) as occurred_at, d.endpoint_id, e.scope,
       (a.data - 'type')::text as data, e.url
  from webhook_deliveries d
  join webhook_endpoints e on e.id = d.endpoint_id
  left join audit_entries a on a.id = d.event_id
 where d.id = $1;
