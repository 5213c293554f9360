-- One normal form for each text that is compared, whatever the locale of the database. Expands only: the code of the release before
-- works on. Filled by 0015, indexed by 0016; `words`, its index users_words and 0005's way of making it go when that code cannot come
-- back.
--
-- Addresses are compared byte by byte and folded by ASCII's rules. In a Turkish database lower('I') is 'ı', which no sign-in finds.
alter table users
    drop constraint users_email_lower,
    drop constraint users_pending_email_lower,
    add constraint users_email_lower check (email = lower(email collate "C")) not valid,
    add constraint users_pending_email_lower check (pending_email = lower(pending_email collate "C")) not valid,
    add column search tsvector;

-- The words of a text as they are searched for: without case, accents and joiners, split at punctuation and spaces. The index and
-- the query call this one function. It depends on no collation, because locales differ in all of that and servers in what they offer:
-- letters are folded by this table, of Latin, Greek, Cyrillic and Armenian, after what NFKD takes apart was reduced to its base.
create function search_words(typed text) returns text[] language sql immutable strict parallel safe
return array_remove(string_to_array(regexp_replace(
    case
        when typed collate "C" ~ '^[\u0001-\u007f]*$' then lower(typed collate "C")
        else replace(translate(
            lower(regexp_replace(normalize(typed, NFKD) collate "C", '[\u0300-\u036f\u200c\u200d\ufe0f]', '', 'g') collate "C"),
            'ÆÐØÞĐĦŁŊŒŦƁƂƄƆƇƉƊƋƎƏƐƑƓƔƖƗƘƜƝƟƢƤƦƧƩƬƮƱƲƳƵƷƸƼǤǶǷȜȠȢȤȺȻȽȾɁɃɄɅɆɈɊɌɎͰͲͶͿΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩςϏϘϚϜϞϠϷ'
            'ϺϽϾϿЂЄЅІЈЉЊЋЏАБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯѠѢѤѦѨѪѬѮѰѲѴѸѺѼѾҀҊҌҎҐҒҔҖҘҚҜҞҠҢҤҦҨҪҬҮҰҲҴҶҸҺҼҾӀӃӅӇӉӋӍӔӘӠӨӶӺ'
            'ӼӾԀԂԄԆԈԊԌԎԐԒԔԖԘԚԜԞԠԢԤԦԨԪԬԮԱԲԳԴԵԶԷԸԹԺԻԼԽԾԿՀՁՂՃՄՅՆՇՈՉՊՋՌՍՎՏՐՑՒՓՔՕՖᲀᲁᲂᲃᲄᲅᲆᲇᲈỺỼỾıẞ',
            'æðøþđħłŋœŧɓƃƅɔƈɖɗƌǝəɛƒɠɣɩɨƙɯɲɵƣƥʀƨʃƭʈʊʋƴƶʒƹƽǥƕƿȝƞȣȥⱥȼƚⱦɂƀʉʌɇɉɋɍɏͱͳͷϳαβγδεζηθικλμνξοπρστυφχψωσϗϙϛϝϟϡϸ'
            'ϻͻͼͽђєѕіјљњћџабвгдежзиклмнопрстуфхцчшщъыьэюяѡѣѥѧѩѫѭѯѱѳѵѹѻѽѿҁҋҍҏґғҕҗҙқҝҟҡңҥҧҩҫҭүұҳҵҷҹһҽҿӏӄӆӈӊӌӎӕәӡөӷӻ'
            'ӽӿԁԃԅԇԉԋԍԏԑԓԕԗԙԛԝԟԡԣԥԧԩԫԭԯաբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆвдосттъѣꙋỻỽỿiß'), 'ß', 'ss')
    end collate "C",
    '[\u0001-/:-@\[-`{-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u00d7\u00f7\u055a-\u055f\u0589\u058a\u05be\u05f3\u05f4'
    '\u060c\u061b\u061f\u066a-\u066d\u06d4\u0964\u0965\u104a\u104b\u1360-\u1368\u17d4-\u17da\u2000-\u206f\u20a0-\u20cf\u2e00-\u2e7f'
    '\u3000-\u3004\u3008-\u3020\u3030\u303d\u30a0\u30fb\ufe10-\ufe6f\uff5f-\uff65]+',
    ' ', 'g'), ' '), '');

-- What a list of accounts is searched and filtered by, in one index: the words of address and name, each behind a dot; the roles;
-- +active or -active.
create function user_search(email text, name text, roles text[], is_active boolean) returns tsvector language sql immutable parallel safe
return array_to_tsvector(
    array(select '.' || word from unnest(search_words(email || ' ' || coalesce(name, ''))) as word)
    || roles || case when is_active then '+active' else '-active' end);

-- A trigger, and no generated column: that would rewrite the table under a lock. It also keeps the rows that the code of the release
-- before writes.
create function users_put_search() returns trigger language plpgsql as $$
begin
    new.search := user_search(new.email, new.name, new.roles, new.is_active);
    return new;
end
$$;

create trigger users_search before insert or update of email, name, roles, is_active on users
    for each row execute function users_put_search();

-- What decides the cost of a password's hash: the algorithm and its parameters.
create function password_kind(password_hash text) returns text language sql immutable strict parallel safe
return substring(password_hash collate "C" from '^(\$2[aby]\$[0-9]{2}\$|\$argon2[a-z]+\$(?:v=[0-9]+\$)?[^$]+\$)');

-- The kinds that other systems' hashes are of, while there are such accounts: an index is asked for the first, and for the next after
-- each. Our own kind is not among them; a test fails when the parameters change, and this and its index must follow.
create view password_kinds as
with recursive kinds (kind) as (
    select '' collate "C"
    union all
    select (select password_kind(password_hash) collate "C"
              from users
             where password_hash not like '$argon2id$v=19$m=19456,t=2,p=1$%'
               and password_kind(password_hash) collate "C" > kinds.kind
             order by password_kind(password_hash) collate "C"
             limit 1)
      from kinds
     where kinds.kind is not null
)
select kind
  from kinds
 where kind <> ''
 limit 16;
