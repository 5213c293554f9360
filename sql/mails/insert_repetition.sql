-- Inserts the repetition of a mail. Its first attempt replaces the texts.
--
--   $1 id       uuid
--   $2 repeats  uuid  the mail
--   $3 task_id  uuid  the task that sends it

insert into mails (id, message_id, user_id, recipient, template, language, subject, state, attempts, task, task_id, value, repeats)
select $1, $3::uuid::text, user_id, recipient, template, language, subject, 'queued', 0, task, $3, value, $2
  from mails
 where id = $2;
