-- Lists dead letters, newest first.
--
--   $1 dead_at  timestamptz  from the last row of the previous page, or null
--   $2 id       uuid         from the last row of the previous page
--   $3 most     bigint

select id, kind, type, event_key, place, reason, attempts, created_at, dead_at
  from dead_letters
 where $1::timestamptz is null
    or (dead_at, id) < ($1, $2)
 order by dead_at desc, id desc
 limit $3;
