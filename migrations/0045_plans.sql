-- Tiers, the targets that belong to them, and the rates of targets. Ids are integers, as in the reference system, whose clients expect
-- numbers.

create table plan_tiers (
    id          bigint generated always as identity,
    name        text not null,
    created_at  timestamptz not null default now(),
    constraint plan_tiers_pkey primary key (id),
    constraint plan_tiers_name_key unique (name)
);

-- `target_id` is the id of an account (type U), the name of a role (G), or an id of another system. `user_id` is the account, if it
-- exists: the target is erased with it. `active` is null for inactive targets, which are therefore not unique: a target has one tier.
create table plan_targets (
    id           bigint generated always as identity,
    tier_id      bigint not null,
    target_type  text not null,
    target_id    text not null,
    user_id      uuid,
    name         text,
    is_active    boolean not null,
    active       boolean generated always as (case when is_active then true end) stored,
    created_at   timestamptz not null default now(),
    constraint plan_targets_pkey primary key (id),
    constraint plan_targets_active_key unique (target_type, target_id, active),
    constraint plan_targets_tier_id_fkey foreign key (tier_id) references plan_tiers (id),
    constraint plan_targets_user_id_fkey foreign key (user_id) references users (id) on delete cascade,
    constraint plan_targets_target_type_check check (target_type in ('U', 'A', 'T', 'G', 'S'))
);

create index plan_targets_tier_id on plan_targets (tier_id);
create index plan_targets_user_id on plan_targets (user_id);

-- `most` requests in any `seconds` seconds. `path` names routes, with `_` for `/`.
create table plan_rules (
    id              bigint generated always as identity,
    tier_target_id  bigint not null,
    name            text not null,
    path            text not null,
    most            bigint not null,
    seconds         bigint not null,
    created_at      timestamptz not null default now(),
    constraint plan_rules_pkey primary key (id),
    constraint plan_rules_tier_target_id_fkey foreign key (tier_target_id) references plan_targets (id) on delete cascade,
    constraint plan_rules_path_key unique (tier_target_id, path),
    constraint plan_rules_name_key unique (tier_target_id, name),
    constraint plan_rules_most_check check (most between 1 and 1000000000),
    constraint plan_rules_seconds_check check (seconds between 1 and 2678400)
);

-- One row. Each change of plans increments the version, by which the web processes notice it. The row's lock orders the changes.
create table plan_version (
    id       boolean not null default true,
    version  bigint not null default 0,
    constraint plan_version_pkey primary key (id),
    constraint plan_version_id_check check (id)
);
insert into plan_version default values;

comment on table plan_tiers is 'Retention: until a superuser deletes them.';
comment on table plan_targets is 'Retention: until a superuser deletes them; those of an account with the account.';
comment on table plan_rules is 'Retention: deleted with their target.';
comment on table plan_version is 'Retention: one row.';
