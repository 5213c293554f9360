-- transactional: false
-- Brings what is stored into its normal form, in batches, while requests go on. It may stop anywhere and run again.
--
-- In a Turkish or Azerbaijani database the I of an address became a dotless one, which no sign-in found. It becomes an i, unless that
-- address has an account of its own by now: then nothing is changed, and whoever has it asks an administrator. The address is to be
-- confirmed again, because the links went to another one.
update users
   set email = replace(email, 'ı', 'i'), is_verified = false, updated_at = now()
 where id in (select distinct on (replace(email, 'ı', 'i')) id from users where email like '%ı%' order by replace(email, 'ı', 'i'), id)
   and not exists (select from users as taken where taken.email = replace(users.email, 'ı', 'i'));

update users set pending_email = null where pending_email like '%ı%';

alter table users validate constraint users_email_lower;
alter table users validate constraint users_pending_email_lower;

-- Rows that a request holds are left for another round.
do $$
declare
    last uuid;
begin
    while exists (select from users where search is null) loop
        last := '00000000-0000-0000-0000-000000000000';
        loop
            with waiting as (
                select id from users where id > last and search is null order by id limit 1000 for no key update skip locked
            ), filled as (
                update users
                   set search = user_search(email, name, roles, is_active)
                  from waiting
                 where users.id = waiting.id
                returning users.id
            )
            select id into last from filled order by id desc limit 1;
            exit when not found;
            commit;
        end loop;
        commit;
    end loop;
end
$$;
