-- Reads what the repetition of a locked mail needs.
--
--   $1 id  uuid

select user_id, template, task, value::text,
       exists (select
                 from user_tokens
                where user_tokens.user_id = mails.user_id
                  and user_tokens.task_id = mails.task_id
                  and used_at is not null) as used,
       exists (select
                 from outbox_tasks
                where dead_at is null
                  and (outbox_tasks.id = mails.task_id
                       or outbox_tasks.id = any(array(select task_id from mails as later where later.repeats = mails.id)))) as busy
  from mails
 where id = $1;
