drop view dead_letters;
