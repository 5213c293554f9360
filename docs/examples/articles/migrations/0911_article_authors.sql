-- Who follows whom. `token` ends this one row and opens nothing else, so it is kept as it is sent: in the List-Unsubscribe of each mail.
create table article_follows (
    follower_id  uuid not null,
    author_id    uuid not null,
    token        uuid not null default gen_random_uuid(),
    constraint article_follows_pkey primary key (author_id, follower_id),
    constraint article_follows_token_key unique (token),
    constraint article_follows_not_oneself check (follower_id <> author_id),
    constraint article_follows_follower_id_fkey foreign key (follower_id) references users (id) on delete cascade,
    constraint article_follows_author_id_fkey foreign key (author_id) references users (id) on delete cascade
);

create index article_follows_follower_id on article_follows (follower_id);

-- Pictures of up to 2 MB. They are in a table of their own, so that no list of authors reads them.
create table article_avatars (
    user_id     uuid primary key,
    media_type  text not null,
    content     bytea not null,
    constraint article_avatars_user_id_fkey foreign key (user_id) references users (id) on delete cascade
);

comment on table article_follows is 'Retention: deleted with either account.';
comment on table article_avatars is 'Retention: deleted with their account.';
