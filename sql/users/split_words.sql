-- The words of each text that was typed, split and folded as those of the accounts are.
--
--   $1 typed  text[]

select coalesce(search_words(text), '{}') as words
  from unnest($1::text[]) with ordinality as given (text, place)
 order by place;
