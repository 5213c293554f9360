-- Erases a deleted user's events from the outbox. Published events and dead letters are deleted. Pending events are
-- published first and deleted afterwards, so that consumers receive the deletion last. Events of the deletion's own
-- type are kept. The origin (address, user agent) is erased at once, also of events only caused by the user. Returns
-- the deleted dead letters.
--
--   $1 about   uuid[]  ids of the events about the user
--   $2 caused  uuid[]  ids of the events only caused by the user
--   $3 kept    text    the type of the deletion's event

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
