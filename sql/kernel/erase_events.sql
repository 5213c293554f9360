-- Removes a deleted person's events from the outbox. What was published is removed; what waits is published first, so that other
-- services hear of the deletion last, and removed then; a dead letter is given up. Events of the type that tells of the deletion stay.
-- From where an event came is removed at once, also of those that the person only caused. Answers the dead letters.
--
--   $1 about   uuid[]
--   $2 caused  uuid[]
--   $3 kept    text

with published as (
    delete from outbox_events
     where id = any($1)
       and type <> $3
       and published_at is not null
), waiting as (
    update outbox_events
       set erased = id = any($1) and type <> $3,
           address = null,
           user_agent = null
     where id = any($1 || $2)
       and (id <> all($1) or type = $3 or (published_at is null and dead_at is null))
), dead as (
    delete from outbox_events
     where id = any($1)
       and type <> $3
       and dead_at is not null
    returning id, type
)
select id, type from dead;
