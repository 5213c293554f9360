-- Updates an account's profile.
--
--   $1 id        uuid
--   $2 has_name  boolean  whether to change the name
--   $3 name      text     the new name, or null to remove it
--   $4 language  text     null keeps the current language

update users
   set name = case when $2 then $3 else name end, language = coalesce($4, language), updated_at = now()
 where id = $1
returning id;
