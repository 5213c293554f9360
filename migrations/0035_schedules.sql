-- When each schedule is due next: the lock by which one worker runs it, and the memory by which a moment that passed while no worker ran
-- is caught up. `declared` is its times and zone as the code has them, so that another release's declaration is told apart. `last_at` is
-- the moment for which the task was deferred last.
create table schedules (
    task      text not null,
    declared  text not null,
    due_at    timestamptz not null,
    last_at   timestamptz,
    constraint schedules_pkey primary key (task)
);
