"""The worker process: the outbox relay, arq for tasks, and the Kafka consumers."""
