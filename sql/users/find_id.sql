-- Whose address this is, if anybody's.
--
--   $1 email  text  in its normal form

select id
  from users
 where email = $1;
