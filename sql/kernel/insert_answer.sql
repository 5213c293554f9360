-- Keeps the answer of a key, and deletes the oldest of its caller beyond the limit.
--
--   $1 id      bytea   the id of the caller and the key
--   $2 owner   bytea   the caller
--   $3 sealed  bytea   the encrypted answer
--   $4 most    bigint  answers of one caller besides this one

with expelled as (
    delete from answers
     where id = any(array(
        select id
          from answers
         where owner = $2
         order by created_at desc
        offset $4
           for update skip locked))
)
insert into answers (id, owner, sealed)
values ($1, $2, $3)
on conflict on constraint answers_pkey do update
   set owner = excluded.owner, sealed = excluded.sealed, created_at = excluded.created_at
 where answers.created_at <= now() - interval '24 hours';
