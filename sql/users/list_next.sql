-- Finds the first account after a position that has a word of a term, for each term of a search; in the order of created_at. The words
-- of a term are read one by one; terms with too many are left out. Null where no account is left.
--
--   $1 descending  boolean  whether the list is sorted by -created_at
--   $2 after_id    uuid
--   $3 ranges      jsonb    as in list_sorted
--   $4 most        bigint   the number of words of a term

with recursive words as (
    select term, high, (select word from user_words where word >= low order by word limit 1) as word, 1 as place
      from jsonb_to_recordset($3::jsonb) as given (term bigint, low text, high text)
    union all
    select term,
           high,
           (select following.word from user_words as following where following.word > words.word order by following.word limit 1),
           place + 1
      from words
     where word <= high
       and place <= $4::bigint
)
select (select user_id
          from words
         cross join lateral (
                    (select user_id
                       from user_words
                      where not $1::boolean
                        and user_words.word = words.word
                        and user_id > $2::uuid
                      order by user_id
                      limit 1)
                    union all
                    (select user_id
                       from user_words
                      where $1
                        and user_words.word = words.word
                        and user_id < $2
                      order by user_id desc
                      limit 1)) as next
         where words.term = counted.term
           and word <= high
         order by case when $1 then user_id end desc, user_id
         limit 1) as user_id
  from (select term from words group by term having count(*) filter (where word <= high) <= $4) as counted;
