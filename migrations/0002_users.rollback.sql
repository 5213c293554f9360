drop table user_tokens;
drop table users;
