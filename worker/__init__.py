"""The worker process: the outbox's relay, arq for the tasks, and what Kafka brings."""
