-- Finds the account with this address, for signing in, and whether it has been used from this device.
--
--   $1 email       text  normalized
--   $2 device_id   uuid
--   $3 user_agent  text

select users.id as user_id, users.password_hash, users.is_active, users.is_verified, users.email, users.name, users.roles,
       users.credentials_changed_at, users.delete_after is not null as leaving,
       (select count(*) from sessions where user_id = users.id and ended_at is null) as live,
       exists (select from sessions where user_id = users.id) as used,
       exists (select from sessions where user_id = users.id and device_id = $2) as has_device,
       array(select distinct address
               from (select address, user_agent, last_seen_at
                       from sessions
                      where user_id = users.id
                      order by id desc
                      limit 200) as latest
              where user_agent = $3
                and address is not null
                and last_seen_at > now() - interval '90 days') as addresses
  from users
 where users.email = $1;
