-- Articles, what readers say of them, and who keeps them as a favourite. Rows go with the account that wrote them.

-- `version` counts the author's changes and nothing else: If-Match compares it, so that a reader's favourite does not make the author's
-- change stale. `favourites` counts the rows of article_favourites, because a list of articles must not count them for each row.
create table articles (
    id          uuid primary key,
    author_id   uuid not null,
    title       text not null,
    body        text not null,
    tags        text[] not null default '{}',
    version     integer not null default 1,
    favourites  integer not null default 0,
    hidden_at   timestamptz,
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now(),
    constraint articles_author_id_fkey foreign key (author_id) references users (id) on delete cascade
);

-- The lists: of one author, and by tag. Newest first is the order of the ids (UUIDv7).
create index articles_author_id on articles (author_id, id);
create index articles_tags on articles using gin (tags);
-- The sweep's.
create index articles_hidden_at on articles (hidden_at) where hidden_at is not null;

create table article_favourites (
    user_id     uuid not null,
    article_id  uuid not null,
    constraint article_favourites_pkey primary key (user_id, article_id),
    constraint article_favourites_user_id_fkey foreign key (user_id) references users (id) on delete cascade,
    constraint article_favourites_article_id_fkey foreign key (article_id) references articles (id) on delete cascade
);

create index article_favourites_article_id on article_favourites (article_id);

create table article_comments (
    id          uuid primary key,
    article_id  uuid not null,
    author_id   uuid not null,
    body        text not null,
    created_at  timestamptz not null default now(),
    constraint article_comments_article_id_fkey foreign key (article_id) references articles (id) on delete cascade,
    constraint article_comments_author_id_fkey foreign key (author_id) references users (id) on delete cascade
);

create index article_comments_article_id on article_comments (article_id, id);
create index article_comments_author_id on article_comments (author_id);

comment on table articles is 'Retention: deleted with their account; hidden ones by the sweep delete_hidden.';
comment on table article_favourites is 'Retention: deleted with their account and their article.';
comment on table article_comments is 'Retention: deleted with their account and their article.';
