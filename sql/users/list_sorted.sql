-- Lists accounts after a position, and counts them. One branch of the union runs; it lists ids, and the columns are read for these alone.
-- The first four walk an index in the list's order, and keep what a search matches. The last reads the accounts with the first term of a
-- search that is rare, by user_words. ts_match_vq is the operator @@ without an index.
--
-- `offset 0` keeps the values of `asked` from the planner, so that all calls share one plan, which a connection makes once. Making it
-- takes three times as long as reading a page.
--
--   $1  sort          text    created_at, -created_at, email, -email
--   $2  after_id      uuid    where the page before ended, sorted by created_at
--   $3  after_email   text    the same, sorted by email
--   $4  until_id      uuid    where a walk ends at the latest, sorted by created_at
--   $5  until_email   text    the same, sorted by email
--   $6  search        text    a tsquery over users.search; null for all
--   $7  ranges        jsonb   ranges of words in user_words: each account that matches has a word in one of each term; [] to walk
--   $8  frequent      bigint  the number of words in the ranges of a term that make it frequent
--   $9  most_counted  bigint  the bound of the total, which is null for a search without a rare term
--   $10 most          bigint

with ranges as materialized (
    select term, low, high
      from jsonb_to_recordset($7::jsonb) as given (term bigint, low text, high text)
), rare as materialized (
    select term
      from generate_series(1, (select max(ranges.term) from ranges)) as term
     where (select count(*)
              from ranges
             cross join lateral (select from user_words where word between low and high order by word, user_id limit $8) as words
             where ranges.term = term.term) < $8
     limit 1
), found as materialized (
    select id, email
      from users
     where id = any(array(
               select user_id
                 from rare
                 join ranges on ranges.term = rare.term
                cross join lateral (
                     select user_id from user_words where word between low and high order by word, user_id limit $8) as words))
       and ts_match_vq(search, $6::text::tsquery)
)
select counted.total,
       id, email, name, is_active, is_superuser, is_verified, roles, created_at, updated_at, language, pending_email
  from (select case
                   when exists (select from rare) then (select least(count(*), $9) from found)
                   when $6 is not null then null
                   when (select reltuples from pg_class where oid = 'users'::regclass) > 2 * $9::bigint then $9
                   else (select count(*) from (select from users order by id limit $9) as few)
               end as total) as counted
  left join users on id = any(array(
    select page.id
      from (select $1::text as sort, $2::uuid as after_id, $3::text as after_email, $4::uuid as until_id, $5::text as until_email,
                   $6::text::tsquery as search, $7 = '[]' as walks, $10::bigint as most
            offset 0) as asked
     cross join lateral (
        (select id
           from users
          where walks and sort = 'created_at'
            and id > after_id
            and id <= until_id
            and (asked.search is null or ts_match_vq(users.search, asked.search))
          order by id
          limit most)
        union all
        (select id
           from users
          where walks and sort = '-created_at'
            and id < after_id
            and id >= until_id
            and (asked.search is null or ts_match_vq(users.search, asked.search))
          order by id desc
          limit most)
        union all
        (select id
           from users
          where walks and sort = 'email'
            and email > after_email
            and email <= until_email
            and (asked.search is null or ts_match_vq(users.search, asked.search))
          order by email
          limit most)
        union all
        (select id
           from users
          where walks and sort = '-email'
            and email < after_email
            and email >= until_email
            and (asked.search is null or ts_match_vq(users.search, asked.search))
          order by email desc
          limit most)
        union all
        (select id
           from found
          where not walks
            and case sort
                    when 'created_at' then id > after_id
                    when '-created_at' then id < after_id
                    when 'email' then email > after_email
                    else email < after_email
                end
          order by case when sort = 'created_at' then id end,
                   case when sort = '-created_at' then id end desc,
                   case when sort = 'email' then email end,
                   case when sort = '-email' then email end desc
          limit most)) as page))
 order by case when $1 = 'created_at' then id end,
          case when $1 = '-created_at' then id end desc,
          case when $1 = 'email' then email end,
          case when $1 = '-email' then email end desc;
