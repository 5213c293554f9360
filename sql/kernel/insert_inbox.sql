-- Remembers a message that another service sent; no row where it is known. A second transaction with the same one waits for the first.
--
--   $1 consumer  text  the consumer group
--   $2 source    text  the CloudEvent's source, empty where it has none
--   $3 id        text  its id, or its place in Kafka

insert into inbox (consumer, source, id)
values ($1, $2, $3)
on conflict on constraint inbox_pkey do nothing
returning id;
