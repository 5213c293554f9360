-- Returns the mails to an account as JSON. Not sorted, because a sort would read all rows before the first one.
--
--   $1 user_id  uuid

select row_to_json(found)::text
  from (select id, recipient, template, language, subject, body, state, attempts, reply, created_at, updated_at
          from mails
         where user_id = $1) as found;
