"""Mails."""


def test_nothing() -> None: ...
