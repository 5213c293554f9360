-- Counts accounts up to a bound. Uses PostgreSQL's estimate if it is more than twice the bound, so that the time does
-- not grow with the table; otherwise counts along an index.
--
--   $1 most  bigint  the bound

select case
           when (select reltuples from pg_class where oid = 'users'::regclass) > 2 * $1::bigint then $1
           else (select count(*) from (select 1 from users order by id limit $1) as found)
       end as count;
