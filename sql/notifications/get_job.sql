-- Gets a send and its progress.
--
--   $1 id         uuid
--   $2 sender_id  uuid     only of this account; null: any

select id, kind, subject, audience, role,
       case when is_cancelled then 'cancelled' when finished_at is null then 'running' else 'done' end as state,
       total, notified, created_at, finished_at
  from notification_sends
 where id = $1
   and ($2::uuid is null or sender_id = $2);
