-- Stores an attempt to send a mail. The account is the given one, or that of the recipient's address. Of a mail to no
-- account, or to one that was deleted meanwhile, neither recipient nor texts are stored.
--
--   $1 id          uuid
--   $2 message_id  text
--   $3 account     uuid     the recipient's account, or null if the sender does not name it
--   $4 recipient   text
--   $5 template    text
--   $6 language    text
--   $7 subject     text     without links and tokens, like $8 and $9
--   $8 body        text
--   $9 html        text
--   $10 state      text     sent, delayed or refused
--   $11 attempt    integer  the number of the attempt
--   $12 reply      text     the mail server's reply
--   $13 task       text     name of the task that sends it, or null
--   $14 task_id    uuid
--   $15 value      text     the task's value as JSON, if it may run again

with owner as (
    select id
      from users
     where case when $3::uuid is null then email = $4 else id = $3 end
       for key share
)
insert into mails as present (id, message_id, user_id, recipient, template, language, subject, body, html, state, attempts, reply,
                              task, task_id, value)
select $1, $2, owner.id, case when owner.id is not null then $4 end, $5, $6, case when owner.id is not null then $7 end,
       case when owner.id is not null then $8 end, case when owner.id is not null then $9 end, $10, $11, $12, $13, $14,
       case when owner.id is not null then $15::text::jsonb end
  from (select) as one
  left join owner on true
on conflict on constraint mails_message_id_key do update
   set recipient = excluded.recipient,
       template = excluded.template,
       language = excluded.language,
       subject = excluded.subject,
       body = excluded.body,
       html = excluded.html,
       state = excluded.state,
       attempts = excluded.attempts,
       reply = excluded.reply,
       value = excluded.value,
       updated_at = now();
