-- Starts a session, unless the account was disabled or its credentials changed since they were checked: a password that was right a moment
-- ago opens nothing. The row's lock makes a change wait, or be seen.
--
--   $1 id                      uuid
--   $2 user_id                 uuid
--   $3 credentials_changed_at  timestamptz  as it was when they were checked
--   $4 idle                    interval     ends when not refreshed for so long
--   $5 lifetime                interval     ends anyhow
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
