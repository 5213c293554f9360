-- Log levels that operators set for a time. All processes read them every few seconds. `name` is that of a logger, empty for all
-- loggers of the application.
create table operation_log_levels (
    name        text not null,
    level       text not null,
    until       timestamptz not null,
    changed_at  timestamptz not null default now(),
    changed_by  uuid,
    constraint operation_log_levels_pkey primary key (name),
    constraint operation_log_levels_changed_by_fkey foreign key (changed_by) references users (id) on delete set null,
    constraint operation_log_levels_level_check check (level in ('DEBUG', 'INFO', 'WARNING', 'ERROR'))
);

comment on table operation_log_levels is 'Retention: one row for each logger; those that have ended are deleted by the next change.';

create index operation_log_levels_changed_by on operation_log_levels (changed_by);
