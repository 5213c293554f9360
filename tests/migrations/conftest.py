"""An empty database."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from api.kernel.data.database import uuid7
from api.kernel.settings import Settings
from tests.conftest import with_database


@pytest.fixture
def empty(settings: Settings) -> Iterator[str]:
    """Return its URL."""
    name = f"empty_{uuid7().hex}"
    with psycopg.connect(with_database(settings, "postgres"), autocommit=True) as admin:
        admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        yield with_database(settings, name)
        # Without force, which may not end a superuser's session: this waits for connections that were just closed.
        admin.execute(sql.SQL("drop database {}").format(sql.Identifier(name)))
