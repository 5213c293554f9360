-- Sets when a batch of accounts that were registered and never verified will be deleted: after `age`, and not before
-- `notice` has passed. Returns their ids and these times. Skips accounts that are disabled, because the address could be registered again,
-- superusers, and accounts whose deletion was requested.
--
--   $1 age     interval
--   $2 notice  interval
--   $3 most    bigint    the batch size

update users
   set expires_after = greatest(unverified_since + $1::interval, now() + $2::interval)
 where id = any(array(
    select id
      from users
     where unverified_since <= now() - $1::interval + $2::interval
       and expires_after is null
       and not is_verified
       and not is_superuser
       and is_active
       and delete_after is null
     order by unverified_since
     limit $3
       for no key update skip locked))
returning id, greatest(unverified_since + $1::interval, now() + $2::interval) as until;
