-- Records a message received from another service. Returns no row if the message is known. A concurrent transaction
-- with the same message waits for the first to end.
--
--   $1 consumer  text  the consumer group
--   $2 source    text  the CloudEvent's source, or an empty string
--   $3 id        text  the CloudEvent's id, or the message's topic, partition and offset

insert into inbox (consumer, source, id)
values ($1, $2, $3)
on conflict on constraint inbox_pkey do nothing
returning id;
