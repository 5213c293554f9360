"""The embedded stack of `make run` and of the tests: PostgreSQL, Redis, a Kafka broker and a mail catcher.

Production imports none of this. `embedded()` in stack.py is the door for tests, __main__.py the one for people.
"""
