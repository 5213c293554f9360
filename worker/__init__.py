"""The worker process: the outbox's relay, and arq for the tasks."""
