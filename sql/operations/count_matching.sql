-- How many dead letters a filter selects, by kind and type, and until when they were given up: what dies later, such as one that was
-- retried meanwhile, is not selected.
--
--   $1 kind        text      event, task or message; null: any
--   $2 type        text      an event's type, a task's name or a message's topic; null: any
--   $3 key         uuid      an event's key; null: any
--   $4 ids         uuid[]    these alone; null: any
--   $5 older_than  interval  given up so long ago

select kind, type, count(*) as letters, min(dead_at) as oldest, now() - $5::interval as until
  from dead_letters
 where ($1::text is null or kind = $1)
   and ($2::text is null or type = $2)
   and ($3::uuid is null or event_key = $3)
   and ($4::uuid[] is null or id = any($4))
   and dead_at <= now() - $5::interval
 group by kind, type
 order by kind, type;
