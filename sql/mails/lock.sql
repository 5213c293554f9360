-- Locks a mail for its repetition, so that concurrent ones take turns: the state is read after the lock.
--
--   $1 id  uuid

select id
  from mails
 where id = $1
   for no key update;
