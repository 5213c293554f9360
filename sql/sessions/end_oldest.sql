-- Ends an account's oldest sessions, keeping the newest ones. Limits the sessions of an account that signs in
-- repeatedly.
--
--   $1 user_id  uuid
--   $2 kept     bigint  number of sessions to keep

update sessions
   set ended_at = now(), end_reason = 'limit'
 where id in (
    select id
      from sessions
     where user_id = $1
       and ended_at is null
     order by created_at desc, id desc
    offset $2)
   and ended_at is null
returning id;
