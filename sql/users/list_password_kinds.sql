-- The kinds of hashes that other systems left: every refusal takes as long as all of these and ours together.

select kind
  from password_kinds;
