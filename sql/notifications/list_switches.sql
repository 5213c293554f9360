-- Lists an account's switches for some groups: their values, and what they would be without its own.
--
--   $1 user_id  uuid
--   $2 groups   text[]

select g.name as "group", c.name as channel, notification_switch(u.id, u.roles, g.name, c.name) as value,
       notification_switch(null, u.roles, g.name, c.name) as inherited, g.name = 'security' and c.name <> 'push' as locked,
       exists (select
                 from notification_switches s
                where s.user_id = u.id
                  and s.kind_group = g.name
                  and s.channel = c.name) as is_mine
  from users u
 cross join unnest($2::text[]) with ordinality as g (name, place)
 cross join unnest(array['in_app', 'mail', 'push']) with ordinality as c (name, place)
 where u.id = $1
 order by g.place, c.place;
