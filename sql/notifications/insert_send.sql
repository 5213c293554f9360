-- Inserts a send. No row if its source has sent with this key before; a concurrent one is waited for.
--
--   $1 id          uuid
--   $2 source      text
--   $3 key         text
--   $4 digest      bytea    of the request
--   $5 sender_id   uuid     or null
--   $6 content     jsonb    kind, group, subject, text, link and data
--   $7 audience    text     'accounts', 'role' or 'everyone'
--   $8 role        text     or null
--   $9 total       integer  accounts
--
-- The texts are stored if the worker distributes them.

insert into notification_sends (id, source, key, digest, sender_id, kind, kind_group, subject, body, link, data, audience, role, total, notified,
                                finished_at)
select $1, $2, $3, $4, $5, content.kind, content.group_of, stored.subject, stored.text, stored.link, stored.data, $7, $8, $9,
       case when $7 = 'accounts' then $9 else 0 end, case when $7 = 'accounts' then now() end
  from (select $6::jsonb ->> 'kind' as kind, $6::jsonb ->> 'group' as group_of) as content
  left join (select $6::jsonb ->> 'subject' as subject, $6::jsonb ->> 'text' as text, $6::jsonb ->> 'link' as link, $6::jsonb -> 'data' as data)
         as stored on $7 <> 'accounts'
on conflict on constraint notification_sends_key do nothing
returning id;
