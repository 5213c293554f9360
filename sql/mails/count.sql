-- Counts the mails that match the filters, up to 10,000.
--
--   $1 user_id    uuid  the recipient's account; null: any
--   $2 recipient  text  the recipient's address; null: any
--   $3 template   text  null: any
--   $4 state      text  null: any

select count(*)::integer
  from (select
          from mails
         where ($1::uuid is null or user_id = $1)
           and ($2::text is null or recipient = $2)
           and ($3::text is null or template = $3)
           and ($4::text is null
                or (state = case $4 when 'skipped' then 'queued' else $4 end
                    and (state <> 'queued'
                         or exists (select from outbox_tasks where outbox_tasks.id = mails.task_id) = ($4 = 'queued'))))
         limit 10000) as found;
