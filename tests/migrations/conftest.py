"""A database with nothing in it."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from api.kernel.data.database import uuid7
from api.kernel.settings import Settings
from tests.conftest import with_database


@pytest.fixture
def empty(settings: Settings) -> Iterator[str]:
    """Its URL."""
    name = f"empty_{uuid7().hex}"
    with psycopg.connect(with_database(settings, "postgres"), autocommit=True) as admin:
        admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        yield with_database(settings, name)
        # Without force, which may not end a superuser's session: this waits for those that were closed just now.
        admin.execute(sql.SQL("drop database {}").format(sql.Identifier(name)))
