-- Deletes old notifications of accounts whose boxes are locked, and counts them off. Returns for each account the number of its deleted
-- ones, and its counts.
--
--   $1 user_ids  uuid[]
--   $2 days      integer
--   $3 most      bigint

with gone as (
    delete from notifications
     where id in (select id
                    from notifications
                   where user_id = any($1)
                     and created_at < now() - make_interval(days => $2)
                   order by created_at
                   limit $3)
    returning user_id, listed and seen_at is null as is_unseen, listed and read_at is null as is_unread
), counted as (
    select user_id, count(*)::integer as deleted, count(*) filter (where is_unseen) as unseen, count(*) filter (where is_unread) as unread
      from gone
     group by user_id
)
update notification_boxes box
   set unseen = box.unseen - counted.unseen, unread = box.unread - counted.unread
  from counted
 where box.user_id = counted.user_id
returning box.user_id, counted.deleted, (counted.unseen + counted.unread)::integer as changed, box.unseen, box.unread;
