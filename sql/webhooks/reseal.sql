-- Replaces the encryption of a secret, unless it has changed.
--
--   $1 id      uuid
--   $2 before  text
--   $3 sealed  text

update webhook_secrets
   set sealed = $3
 where id = $1
   and sealed = $2;
