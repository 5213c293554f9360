drop table article_avatars;
drop table article_follows;
