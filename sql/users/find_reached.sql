-- Finds the account so many places after a position in the order of a list. None if the list ends before it.
--
--   $1 sort         text    created_at, -created_at, email, -email
--   $2 after_id     uuid    the position, sorted by created_at
--   $3 after_email  text    the same, sorted by email
--   $4 distance     bigint

select id, email
  from users
 where id = case $1
                when 'created_at' then (select id from users where id > $2 order by id offset $4::bigint - 1 limit 1)
                when '-created_at' then (select id from users where id < $2 order by id desc offset $4::bigint - 1 limit 1)
            end
    or email = case $1
                   when 'email' then (select email from users where email > $3 order by email offset $4::bigint - 1 limit 1)
                   when '-email' then (select email from users where email < $3 order by email desc offset $4::bigint - 1 limit 1)
               end;
