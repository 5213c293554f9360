-- The devices and places from which an account was used last: each has counts of its own in the limits on guessing.
--
--   $1 user_id  uuid

select device_id, address, user_agent
  from sessions
 where user_id = $1
 order by id desc
 limit 200;
