-- Lists the counters of which nothing has been left to reserve for some seconds.

select user_id, path, period, starts
  from plan_counts
 where short_at > now() - interval '10 s';
