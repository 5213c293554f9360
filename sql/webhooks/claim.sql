-- Leases due deliveries: of each endpoint that is enabled and not paused, as many as leave at most $4 in flight. Its
-- account must still be active, and a superuser's if it receives all events. Endpoints that are failing have a number of
-- places of their own, so that they do not occupy those of the others.
--
-- `active` visits each endpoint with pending deliveries once, along the index. Returns the payload, its signing secrets
-- (the current one first), and the trace of the event.
--
--   $1 healthy   bigint   free places for endpoints that are not failing
--   $2 failing   bigint   free places for those that are
--   $3 seconds   float    duration of the lease
--   $4 lanes     bigint   deliveries of one endpoint that are in flight

with recursive active (endpoint_id) as (
    (select endpoint_id from webhook_deliveries where state = 'pending' order by endpoint_id limit 1)
    union all
    select (select d.endpoint_id
              from webhook_deliveries d
             where d.state = 'pending'
               and d.endpoint_id > active.endpoint_id
             order by d.endpoint_id
             limit 1)
      from active
     where active.endpoint_id is not null
), open as (
    select e.id, e.failing_since is not null as is_failing,
           $4 - (select count(*)
                   from webhook_deliveries b
                  where b.endpoint_id = e.id
                    and b.state = 'pending'
                    and b.locked_until > now()) as free
      from active
      join webhook_endpoints e on e.id = active.endpoint_id
      join users u on u.id = e.user_id
     where e.disabled_reason is null
       and u.is_active
       and (e.scope = 'own' or u.is_superuser)
       and (e.paused_until is null or e.paused_until <= now())
), due as (
    select chosen.id
      from (values (false, $1::bigint), (true, $2::bigint)) as lane (is_failing, places)
     cross join lateral (
        select found.id
          from open
         cross join lateral (
            select id, due_at
              from webhook_deliveries
             where endpoint_id = open.id
               and state = 'pending'
               and due_at <= now()
               and (locked_until is null or locked_until <= now())
             order by due_at, event_id
             limit greatest(open.free, 0)
               for update skip locked
         ) as found
         where open.is_failing = lane.is_failing
         order by found.due_at
         limit lane.places
     ) as chosen
), leased as (
    update webhook_deliveries
       set locked_until = now() + $3 * interval '1 second', lease = lease + 1, attempts = attempts + 1
     where id in (select id from due)
    returning id, endpoint_id, event_id, type, lease, attempts, once, created_at
)
select leased.id, leased.endpoint_id, e.user_id, leased.event_id, leased.type, leased.lease, leased.attempts, leased.once,
       e.failing_since is not null as is_failing, e.url, coalesce(a.created_at, leased.created_at) as occurred_at,
       (a.data - 'type')::text as data, coalesce(a.traceparent, '00-' || repeat('0', 32)) as traceparent,
       array(select s.sealed
               from webhook_secrets s
              where s.endpoint_id = e.id
                and (s.expires_at is null or s.expires_at > now())
              order by s.expires_at desc nulls first) as sealed
  from leased
  join webhook_endpoints e on e.id = leased.endpoint_id
  left join audit_entries a on a.id = leased.event_id
 order by leased.event_id;
