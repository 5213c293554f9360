-- Lists the kinds of imported password hashes. Every refusal takes the time of one check of each kind and one of our
-- own.

select kind
  from password_kinds;
