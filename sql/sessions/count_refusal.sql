-- Counts a refused sign-in. The statement does the same work whether or not the address has an account. The worker
-- announces a row within seconds and again after 15 minutes, which bounds the number of events from repeated attempts.
-- A network has rows for at most 50 accounts, and an account (or the set of all unknown addresses) for at most 20
-- networks; further attempts are counted in a shared row.
--
-- The commit is asynchronous, so that many attempts do not queue for one row. A crash of the server loses the latest
-- counts.
--
--   $1 user_id      uuid  the nil UUID if the address has no account
--   $2 reason       text  password, disabled, unverified, throttled
--   $3 network      text
--   $4 address      text
--   $5 user_agent   text
--   $6 traceparent  text  W3C Trace Context of the request

with hasty as (
    select set_config('synchronous_commit', 'off', true)
), own as (
    select exists (select from session_refusals where user_id = $1 and reason = $2 and network = $3) as is_known
), named as (
    select is_known,
           case when is_known or (select count(*) from session_refusals where network = $3) < 50
                then $1::uuid else '00000000-0000-0000-0000-000000000000' end as user_id
      from own
), placed as (
    select named.user_id,
           case when is_known
                  or (select count(*) from session_refusals where user_id = named.user_id and reason = $2) < 20
                then $3::text else '' end as network
      from named
)
insert into session_refusals as counted (user_id, reason, network, address, user_agent, traceparent)
select user_id, $2, network, $4, $5, $6
  from placed, hasty
on conflict on constraint session_refusals_pkey do update
   set attempts = counted.attempts + 1,
       -- The origin is that of the first attempt not announced yet.
       since = case when counted.attempts = counted.announced then now() else counted.since end,
       address = case when counted.attempts = counted.announced then excluded.address else counted.address end,
       user_agent = case when counted.attempts = counted.announced then excluded.user_agent else counted.user_agent end,
       traceparent = case when counted.attempts = counted.announced then excluded.traceparent else counted.traceparent end;
