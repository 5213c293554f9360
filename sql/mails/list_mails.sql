-- Lists mails, newest first.
--
--   $1 user_id    uuid    the recipient's account; null: any
--   $2 recipient  text    the recipient's address; null: any
--   $3 template   text    null: any
--   $4 state      text    null: any
--   $5 before     uuid    the last id of the previous page, or null
--   $6 most       bigint

select id, template, language, user_id, recipient, subject,
       case when state = 'queued' and not exists (select from outbox_tasks where outbox_tasks.id = mails.task_id) then 'skipped'
            else state end as state,
       attempts, reply, repeats, created_at, updated_at
  from mails
 where ($1::uuid is null or user_id = $1)
   and ($2::text is null or recipient = $2)
   and ($3::text is null or template = $3)
   and ($4::text is null
        or (state = case $4 when 'skipped' then 'queued' else $4 end
            and (state <> 'queued'
                 or exists (select from outbox_tasks where outbox_tasks.id = mails.task_id) = ($4 = 'queued'))))
   and ($5::uuid is null or id < $5)
 order by id desc
 limit $6;
