-- Reads the HTML of a mail.
--
--   $1 id  uuid

select html
  from mails
 where id = $1;
