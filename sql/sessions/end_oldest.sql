-- Ends an account's oldest sessions, but for so many: who signs in again and again has no others in use.
--
--   $1 user_id  uuid
--   $2 kept     bigint

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
