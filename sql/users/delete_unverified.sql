-- Deletes a batch of accounts that were registered, warned and never verified. Returns their ids. A concurrent
-- verification holds the row's lock, and is skipped. Skips the same accounts as the warning.
--
--   $1 age   interval  the minimum age of an account
--   $2 most  bigint    the batch size

delete from users
 where id = any(array(
    select id
      from users
     where unverified_since <= now() - $1::interval
       and expires_after <= now()
       and not is_verified
       and not is_superuser
       and is_active
       and delete_after is null
     order by unverified_since
     limit $2
       for update skip locked))
returning id;
