-- Dead letters, the latest first.
--
--   $1 dead_at  timestamptz  the last page's last one's, or null
--   $2 id       uuid         and its id
--   $3 most     bigint

select id, kind, type, event_key, place, reason, attempts, created_at, dead_at
  from dead_letters
 where $1::timestamptz is null
    or (dead_at, id) < ($1, $2)
 order by dead_at desc, id desc
 limit $3;
