-- Returns the calls of an account that count against quotas as JSON.
--
--   $1 user_id  uuid

select row_to_json(found)::text
  from (select path, period, starts, used
          from plan_counts
         where user_id = $1
         order by starts, path, period) as found;
