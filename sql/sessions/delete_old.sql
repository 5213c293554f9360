-- Deletes sessions that ended or expired long ago and are no longer needed to recognise a device. Skips rows locked by
-- another worker.
--
--   $1 age   interval  minimum time since the end
--   $2 most  bigint    the batch size

delete from sessions
 where id = any(array(
    select id
      from sessions
     where coalesce(ended_at, least(idle_week, expires_at)) < now() - $1::interval
     limit $2
       for update skip locked))
returning id;
