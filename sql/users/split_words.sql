-- The words of what was typed, split and folded as those of the accounts are.
--
--   $1 typed  text

select unnest(search_words($1)) as word;
