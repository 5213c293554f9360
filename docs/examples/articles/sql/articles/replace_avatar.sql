-- Stores an account's picture in the place of the one before.
--
--   $1 user_id     uuid
--   $2 media_type  text
--   $3 content     bytea

insert into article_avatars (user_id, media_type, content)
values ($1, $2, $3)
on conflict (user_id) do update set media_type = excluded.media_type, content = excluded.content;
