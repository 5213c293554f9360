-- Events that may end the access of the account or the sign-in that they are about. The web processes read them in the order of
-- positions, like the events that clients follow, and check the callers of open streams and sockets again.
alter table outbox_live add column changes_access boolean not null default false;
