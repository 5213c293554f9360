-- Opens the digest of a window, or joins it. No row if it is closed. `items` is 1 if it was opened.
--
--   $1 id       uuid         of a new one
--   $2 user_id  uuid
--   $3 due_at   timestamptz  end of the window

insert into notification_digests as digest (id, user_id, due_at)
values ($1, $2, $3)
on conflict on constraint notification_digests_window do update
   set items = digest.items + 1
 where digest.state = 'open'
returning id, items;
