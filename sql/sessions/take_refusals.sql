-- Takes a batch of refused sign-in counts that are due, oldest first. New rows are kept and continue counting; rows
-- older than the window are deleted. `attempts` excludes those already announced. The key share lock makes a deletion
-- of the account wait, so that the announced events are erased with it. `owner_id` is null if the account no longer
-- exists.
--
--   $1 window  interval  the age at which a row is closed
--   $2 most    bigint    the batch size

with due as (
    select user_id, reason, network, attempts, announced, address, user_agent, traceparent, since,
           opened_at < now() - $1::interval as is_over
      from session_refusals
     where announced = 0
        or opened_at < now() - $1::interval
     order by opened_at
     limit $2
       for update skip locked
), closed as (
    delete from session_refusals
     using due
     where session_refusals.user_id = due.user_id
       and session_refusals.reason = due.reason
       and session_refusals.network = due.network
       and due.is_over
), told as (
    update session_refusals
       set announced = due.attempts
      from due
     where session_refusals.user_id = due.user_id
       and session_refusals.reason = due.reason
       and session_refusals.network = due.network
       and not due.is_over
)
select (select id from users where users.id = due.user_id for key share) as owner_id, reason,
       attempts - announced as attempts, address, user_agent, traceparent, since
  from due
 order by since;
