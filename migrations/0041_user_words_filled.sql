-- transactional: false
-- Writes the words of the accounts from before 0040, in batches, while requests go on. It may stop anywhere and run again: the word
-- +active or -active shows whether an account has its rows. Takes about a minute for a million accounts.
--
-- Rows that a request holds are left for another round.
do $$
declare
    last uuid;
    skipped boolean;
begin
    loop
        last := '00000000-0000-0000-0000-000000000000';
        loop
            with batch as (
                select id from users where id > last order by id limit 1000
            ), waiting as (
                select id, search
                  from users
                 where id in (select id from batch)
                   and not exists (
                           select
                             from user_words
                            where word = case when is_active then '+active' else '-active' end
                              and user_id = users.id)
                   for no key update skip locked
            ), filled as (
                insert into user_words (word, user_id)
                select unnest(tsvector_to_array(search)), id from waiting
                    on conflict do nothing
            )
            select id into last from batch order by id desc limit 1;
            exit when not found;
            commit;
        end loop;
        commit;
        select exists (
            select
              from users
             where not exists (
                       select
                         from user_words
                        where word = case when is_active then '+active' else '-active' end
                          and user_id = users.id))
          into skipped;
        exit when not skipped;
        perform pg_sleep(0.1);
    end loop;
end
$$;

analyze user_words;
