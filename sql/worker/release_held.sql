-- Releases a batch of held events whose preceding event was published or discarded, oldest first for each key. Returns
-- the number of released events. Costs one index probe for each held key.
--
--   $1 most  bigint  the batch size

with recursive keys as (
    (select topic, key
       from outbox_events
      where published_at is null and dead_at is null and held
      order by topic, key
      limit 1)
    union all
    select next.topic, next.key
      from keys,
           lateral (select topic, key
                      from outbox_events
                     where published_at is null and dead_at is null and held
                       and (topic, key) > (keys.topic, keys.key)
                     order by topic, key
                     limit 1) as next
), free as (
    select event.seq
      from keys,
           lateral (select seq
                      from outbox_events
                     where published_at is null and dead_at is null and held
                       and topic = keys.topic
                       and key = keys.key
                     order by seq
                     limit $1) as event
     where not exists (
            select 1
              from outbox_events as stuck
             where stuck.published_at is null
               and (stuck.dead_at is not null or stuck.available_at is not null)
               and stuck.topic = keys.topic
               and stuck.key = keys.key
               and stuck.seq < event.seq)
     order by event.seq
     limit $1
), released as (
    update outbox_events
       set held = false
     where seq in (select seq from free)
    returning 1
)
select count(*)::integer from released;
