-- Splits and normalizes texts into words, as the search index of accounts does.
--
--   $1 typed  text[]

select coalesce(search_words(text), '{}') as words
  from unnest($1::text[]) with ordinality as given (text, place)
 order by place;
