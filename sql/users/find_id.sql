-- Whose address this is, if anybody's.
--
--   $1 email  text  in any case

select id
  from users
 where email = lower($1);
