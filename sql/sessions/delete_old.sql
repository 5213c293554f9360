-- Removes sessions that ended so long ago, or were not refreshed in time, that no device needs to be known by them any more. Rows
-- that another worker removes are left to it.
--
--   $1 age   interval
--   $2 most  bigint    rows at a time

delete from sessions
 where id = any(array(
    select id
      from sessions
     where coalesce(ended_at, least(idle_week, expires_at)) < now() - $1::interval
     limit $2
       for update skip locked))
returning id;
