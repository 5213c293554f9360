-- Updates an account after a sign-in: stores a hash of the same password with the current parameters, and cancels a
-- requested deletion, also that of an account that was never verified: it is announced again. Returns whether a deletion was cancelled, and no row if the credentials changed since they were
-- checked.
--
--   $1 user_id                 uuid
--   $2 password_hash           text         null keeps the current hash
--   $3 credentials_changed_at  timestamptz  as read when they were checked

with before as (
    select id, delete_after is not null as leaving
      from users
     where id = $1
       and is_active
       and credentials_changed_at = $3
       for no key update)
update users
   set password_hash = coalesce($2, users.password_hash), deletion_requested_at = null, delete_after = null,
       expires_after = case when before.leaving then null else users.expires_after end
  from before
 where users.id = before.id
returning before.leaving;
