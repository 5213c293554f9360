-- Counts the accounts with a role, or all.
--
--   $1 role  text  null: all

select count(*)::integer
  from users
 where is_active
   and delete_after is null
   and ($1::text is null or roles @> array[$1::text]);
