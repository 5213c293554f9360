-- Deletes a batch of counted mails of a day ago. Returns their number.
--
--   $1 most  bigint

with gone as (
    delete from notification_mails
     where notification_id in (select notification_id
                                 from notification_mails
                                where created_at < now() - interval '1 day'
                                order by created_at
                                limit $1
                                  for update skip locked)
    returning 1
)
select count(*)::integer
  from gone;
