-- How many dead letters there are.

select count(*)
  from dead_letters;
