-- Deletes an account's notifications, except those about its security, its switches, and its times of digests. `changed`: how many were
-- deleted. The account's box is locked.
--
--   $1 user_id  uuid

with gone as (
    delete from notifications
     where user_id = $1
       and kind_group <> 'security'
    returning listed and seen_at is null as is_unseen, listed and read_at is null as is_unread
), switches as (
    delete from notification_switches
     where user_id = $1
), digests as (
    delete from notification_digests
     where user_id = $1
), mails as (
    delete from notification_mails
     where user_id = $1
)
update notification_boxes
   set digest_every = default, digest_hour = default, zone = default,
       unseen = unseen - (select count(*) from gone where is_unseen),
       unread = unread - (select count(*) from gone where is_unread)
 where user_id = $1
returning unseen, unread, (select count(*)::integer from gone) as changed;
