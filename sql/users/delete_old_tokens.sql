-- Deletes tokens a day after they expired. The delay keeps the tokens of the last hour countable.
--
--   $1 most  bigint  the batch size

with gone as (
    delete from user_tokens
     where token_hash = any(array(
        select token_hash
          from user_tokens
         where expires_at < now() - interval '1 day'
         order by expires_at
         limit $1
           for update skip locked))
    returning 1
)
select count(*) from gone;
