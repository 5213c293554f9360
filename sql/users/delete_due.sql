-- Deletes one account whose deletion is due, with its sessions and tokens, unless its owner has signed in since the
-- request.

delete from users
 where id = (
    select id
      from users
     where delete_after <= now()
       and not exists (select from sessions where sessions.user_id = users.id and sessions.created_at > users.deletion_requested_at)
     order by delete_after
     limit 1
       for update skip locked)
returning id;
