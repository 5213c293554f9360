-- The words of users.search as rows: a btree counts the accounts with a word, or a prefix of words, up to a bound, and lists them. A GIN
-- index collects all of them first, which takes a second for a prefix of a million words. Filled by 0041. The index users_search stays
-- for the code of the release before; a later release drops it.
create table user_words (
    word     text collate "C" not null,
    -- No foreign key: its check would read users once more for each word, and its cascade would need an index by account. The trigger
    -- below keeps the rows; a row without an account would find nothing, because each search reads users.search.
    user_id  uuid not null,
    constraint user_words_pkey primary key (word, user_id)
);

comment on table user_words is 'Retention: with the account, by the trigger users_words';

create function users_put_words() returns trigger language plpgsql as $$
begin
    if tg_op <> 'INSERT' then
        delete from user_words
         using unnest(tsvector_to_array(old.search)) as gone
         where word = gone
           and user_id = old.id
           and (tg_op = 'DELETE' or gone <> all (tsvector_to_array(new.search)));
    end if;
    if tg_op <> 'DELETE' then
        insert into user_words (word, user_id)
        select word, new.id
          from unnest(tsvector_to_array(new.search)) as word
            on conflict do nothing;
    end if;
    return null;
end
$$;

-- After the trigger users_search, which writes new.search before the row.
create trigger users_words after insert or delete or update of email, name, roles, is_active, search on users
    for each row execute function users_put_words();
