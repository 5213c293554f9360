-- Inserts a session, unless the account was disabled or its credentials changed since they were checked. The row lock
-- serializes this statement with such a change.
--
--   $1 id                      uuid
--   $2 user_id                 uuid
--   $3 credentials_changed_at  timestamptz  as read when they were checked
--   $4 idle                    interval     maximum time between refreshes
--   $5 lifetime                interval     maximum duration of the session
--   $6 address                 text
--   $7 user_agent              text
--   $8 device_id               uuid
--   $9 method                  text         password
--   $10 mode                   text         bearer, cookie

insert into sessions (
    id, user_id, created_at, last_seen_at, idle_expires_at, idle_week, expires_at, address, user_agent, device_id, method, mode)
select $1, users.id, clock_timestamp(), clock_timestamp(), clock_timestamp() + $4,
       date_bin('7 days', clock_timestamp() + $4, 'epoch') + interval '7 days',
       clock_timestamp() + $5, $6, $7, $8, $9, $10
  from users
 where users.id = $2
   and users.is_active
   and users.credentials_changed_at = $3
   for share
returning generation;
