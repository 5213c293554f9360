-- Lists the dead letters that match a filter, newest first.
--
--   $1 kind     text         event, task or message; null: any
--   $2 type     text         an event's type, a task's name or a message's topic; null: any
--   $3 key      uuid         an event's key; null: any
--   $4 dead_at  timestamptz  from the last row of the previous page, or null
--   $5 id       uuid         from the last row of the previous page
--   $6 most     bigint

select id, kind, type, event_key, place, reason, attempts, created_at, dead_at
  from dead_letters
 where ($1::text is null or kind = $1)
   and ($2::text is null or type = $2)
   and ($3::uuid is null or event_key = $3)
   and ($4::timestamptz is null or (dead_at, id) < ($4, $5::uuid))
 order by dead_at desc, id desc
 limit $6;
