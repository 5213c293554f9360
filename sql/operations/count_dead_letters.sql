-- Counts the dead letters that match a filter.
--
--   $1 kind  text  event, task or message; null: any
--   $2 type  text  an event's type, a task's name or a message's topic; null: any
--   $3 key   uuid  an event's key; null: any

select count(*)
  from dead_letters
 where ($1::text is null or kind = $1)
   and ($2::text is null or type = $2)
   and ($3::uuid is null or event_key = $3);
