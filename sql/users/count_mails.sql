-- How many mails with a token went to an account lately. A task's own earlier attempts do not count.
--
--   $1 user_id  uuid
--   $2 purpose  text  reset
--   $3 task_id  uuid  the task that asks

select count(distinct task_id) filter (where created_at > now() - interval '1 minute') as last_minute,
       count(distinct task_id) as last_hour
  from user_tokens
 where user_id = $1
   and purpose = $2
   and task_id <> $3
   and created_at > now() - interval '1 hour';
