-- Inserts deliveries of earlier events that an endpoint has subscribed to and has no delivery of. Returns their number.
--
--   $1 endpoint_id  uuid
--   $2 first        uuid    the lowest id of an event (UUIDv7) at the earliest time
--   $3 most         bigint

with endpoint as (
    select e.id, e.user_id, e.scope, e.events
      from webhook_endpoints e
      join users u on u.id = e.user_id
     where e.id = $1
       and u.is_active
       and u.is_verified
       and (e.scope = 'own' or u.is_superuser)
), found as (
    (select a.id, a.type, a.created_at
       from audit_entries a, endpoint
      where endpoint.scope = 'own'
        and (case when a.subjects is null then a.data ->> 'user_id' else a.subjects[1]::text end) = endpoint.user_id::text
        and a.id >= $2)
    union all
    (select a.id, a.type, a.created_at
       from audit_entries a, endpoint
      where endpoint.scope = 'own'
        and a.subjects[2] = endpoint.user_id
        and a.id >= $2)
    union all
    (select a.id, a.type, a.created_at
       from audit_entries a, endpoint
      where endpoint.scope = 'all'
        and a.id >= $2)
), missing as (
    insert into webhook_deliveries (endpoint_id, event_id, type, created_at, due_at)
    select endpoint.id, found.id, found.type, found.created_at, found.created_at
      from found, endpoint
     where endpoint.events && array['*', split_part(found.type, '.', 1) || '.*', found.type]
       and not exists (select
                         from webhook_deliveries d
                        where d.endpoint_id = endpoint.id
                          and d.event_id = found.id)
     order by found.id
     limit $3
    on conflict do nothing
    returning 1
)
select count(*)::integer from missing;
