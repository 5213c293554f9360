-- Returns what an account sent as JSON, without the recipients.
--
--   $1 user_id  uuid

select row_to_json(found)::text
  from (select id, kind, subject, body as text, link, data, audience, role, total, notified, is_cancelled, created_at, finished_at
          from notification_sends
         where sender_id = $1
         order by created_at) as found;
