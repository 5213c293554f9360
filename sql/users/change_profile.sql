-- Changes what an account says of its owner.
--
--   $1 id        uuid
--   $2 has_name  boolean  whether there is a new name, or none from now on
--   $3 name      text
--   $4 language  text     null leaves it

update users
   set name = case when $2 then $3 else name end, language = coalesce($4, language), updated_at = now()
 where id = $1
returning id;
