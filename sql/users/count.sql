-- How many accounts there are, counted up to a bound, in an index. Where PostgreSQL's own estimate is twice the bound nothing needs to be
-- counted, so that it takes as long among thousands as among millions.
--
--   $1 most  bigint

select case
           when (select reltuples from pg_class where oid = 'users'::regclass) > 2 * $1::bigint then $1
           else (select count(*) from (select 1 from users order by id limit $1) as found)
       end as count;
