-- Reads a mail with its task, the state of its link, and its last repetition.
--
--   $1 id  uuid

select mails.id, mails.template, mails.language, mails.user_id, mails.recipient, mails.subject,
       case when mails.state = 'queued' and pending.id is null then 'skipped' else mails.state end as state,
       mails.attempts, mails.reply, mails.repeats, mails.created_at, mails.updated_at, mails.body,
       mails.html is not null as has_html, mails.task, mails.task_id, mails.value::text,
       case when mails.state = 'delayed' and pending.dead_at is null then pending.available_at end as next_attempt_at,
       (select max(created_at) from mails as later where later.repeats = mails.id) as repeated_at,
       case when token.used_at is not null then 'used' when token.expires_at <= now() then 'expired'
            when token.expires_at is not null then 'valid' end as link,
       token.expires_at as link_expires_at
  from mails
  left join outbox_tasks as pending
    on pending.id = mails.task_id
  left join lateral (select used_at, expires_at
                       from user_tokens
                      where user_tokens.user_id = mails.user_id
                        and user_tokens.task_id = mails.task_id
                      order by user_tokens.created_at desc
                      limit 1) as token
    on true
 where mails.id = $1;
