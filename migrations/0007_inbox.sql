-- The messages of other services that were acted on, written in the transaction of their effect, so that a second delivery does
-- nothing. CloudEvents are named by their source and id together. Swept after 30 days: a topic must not keep its messages longer.
create table inbox (
    consumer     text not null,
    source       text not null,
    id           text not null,
    received_at  timestamptz not null default now(),
    constraint inbox_pkey primary key (consumer, source, id)
);

create index inbox_received on inbox (received_at);
