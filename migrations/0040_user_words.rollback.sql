drop trigger users_words on users;
drop function users_put_words;
drop table user_words;
