-- What signing in changes of the account itself: a hash of the same password with today's parameters, and a deletion that was asked for is
-- not wanted any more. Answers whether there was one; no row where the credentials changed meanwhile.
--
--   $1 user_id                 uuid
--   $2 password_hash           text         null leaves it
--   $3 credentials_changed_at  timestamptz  as it was when they were checked

with before as (
    select id, delete_after is not null as leaving
      from users
     where id = $1
       and is_active
       and credentials_changed_at = $3
       for no key update)
update users
   set password_hash = coalesce($2, users.password_hash), deletion_requested_at = null, delete_after = null
  from before
 where users.id = before.id
returning before.leaving;
