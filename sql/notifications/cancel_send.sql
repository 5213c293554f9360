-- Cancels a role-wide send that is not finished. The batch that runs is waited for; its accounts stay notified.
--
--   $1 id         uuid
--   $2 sender_id  uuid  only of this account; null: any

update notification_sends
   set finished_at = now(), is_cancelled = true
 where id = $1
   and ($2::uuid is null or sender_id = $2)
   and finished_at is null
returning id;
