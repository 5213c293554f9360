-- Takes counts of refused sign-ins that are due, so many at a time, oldest first: new ones, which stay and go on counting, and those
-- that were opened so long ago, which are removed. `attempts` are those that were not announced yet. The key share lock makes a
-- deletion of the account wait, so that what is announced of it is erased with it; `owner_id` is null where it is gone.
--
--   $1 window  interval
--   $2 most    bigint

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
