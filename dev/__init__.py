"""The embedded stack of `make run` and of the tests: PostgreSQL, Redis, a Kafka broker and a mail catcher.

Not imported in production. Tests use `embedded()` in stack.py, people use __main__.py."""
