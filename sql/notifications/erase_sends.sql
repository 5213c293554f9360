-- Removes a deleted account from a batch of what it sent. Returns their number.
--
--   $1 user_id  uuid
--   $2 most     bigint

with erased as (
    update notification_sends
       set sender_id = null, source = 'deleted account', key = id::text
     where id in (select id
                    from notification_sends
                   where sender_id = $1
                   limit $2)
    returning 1
)
select count(*)::integer
  from erased;
