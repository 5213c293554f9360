-- Updates the fields of an account that superusers control. Disabling an account ends all its sessions, and enabling it
-- does not restore them. The announced deletion of an account that was never verified is void for a disabled account and a
-- superuser, so that it is announced again before they are deleted.
--
--   $1 id            uuid
--   $2 name          text     or null
--   $3 is_active     boolean
--   $4 is_superuser  boolean
--   $5 is_verified   boolean
--   $6 roles         text[]

update users
   set name = $2, is_active = $3, is_superuser = $4, is_verified = $5, roles = $6, updated_at = now(),
       unverified_since = case when $5 then null else unverified_since end,
       expires_after = case when $5 or $4 or not $3 then null else expires_after end,
       credentials_changed_at = case when $3 then credentials_changed_at else clock_timestamp() end,
       credentials_changed_by = case when $3 then credentials_changed_by end
 where id = $1;
