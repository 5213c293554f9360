drop table article_comments;
drop table article_favourites;
drop table articles;
