-- Removes sessions that were over so long ago that no device needs to be known by them any more. Rows that another worker removes
-- are left to it.
--
--   $1 age   interval
--   $2 most  bigint    rows at a time

delete from sessions
 where id in (
    select id
      from sessions
     where coalesce(ended_at, expires_at) < now() - $1::interval
     limit $2
       for update skip locked)
returning id;
