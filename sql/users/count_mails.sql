-- Counts the emails with a valid token that an account received in the last minute and hour: in all, and from one
-- network. Excludes earlier attempts of the same task.
--
--   $1 user_id  uuid
--   $2 purpose  text  reset
--   $3 network  text
--   $4 task_id  uuid  the current task

select count(distinct task_id) filter (where network = $3 and created_at > now() - interval '1 minute') as last_minute,
       count(distinct task_id) filter (where network = $3) as last_hour,
       count(distinct task_id) as in_all
  from user_tokens
 where user_id = $1
   and purpose = $2
   and task_id <> $4
   and created_at > now() - interval '1 hour'
   and expires_at > now();
