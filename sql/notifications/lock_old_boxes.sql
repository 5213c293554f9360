-- Locks the boxes of the accounts with the oldest notifications that are to be deleted, in one order for all callers.
--
--   $1 days  integer
--   $2 most  bigint   notifications

select user_id
  from notification_boxes
 where user_id in (select user_id
                     from notifications
                    where created_at < now() - make_interval(days => $1)
                    order by created_at
                    limit $2)
 order by user_id
   for update;
