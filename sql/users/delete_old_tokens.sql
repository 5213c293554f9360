-- Forgets tokens that are of no use, a day after they expired: how many were asked for in the last hour is counted from them.
--
--   $1 most  bigint

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
