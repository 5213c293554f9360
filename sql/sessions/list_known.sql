-- Lists the devices and networks that an account was used from most recently. Each has its own counter in the limits on
-- password guessing.
--
--   $1 user_id  uuid

select device_id, address, user_agent
  from sessions
 where user_id = $1
 order by id desc
 limit 200;
