-- The dead letters that a filter selects, the oldest first: a page of them after the last one of the page before.
--
--   $1 kind     text         event, task or message; null: any
--   $2 type     text         an event's type, a task's name or a message's topic; null: any
--   $3 key      uuid         an event's key; null: any
--   $4 ids      uuid[]       these alone; null: any
--   $5 until    timestamptz  given up by then; null: any
--   $6 dead_at  timestamptz  the last page's last one's, or null
--   $7 id       uuid         and its id
--   $8 most     bigint

select id, kind, type, event_key, place, reason, attempts, created_at, dead_at
  from dead_letters
 where ($1::text is null or kind = $1)
   and ($2::text is null or type = $2)
   and ($3::uuid is null or event_key = $3)
   and ($4::uuid[] is null or id = any($4))
   and dead_at <= coalesce($5::timestamptz, 'infinity')
   and dead_at >= coalesce($6::timestamptz, '-infinity')
   and ($6 is null or (dead_at, id) > ($6, $7::uuid))
 order by dead_at, id
 limit $8;
