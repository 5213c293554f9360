"""Fixtures shared by tests of the kernel."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from api.kernel.context import Context, open_context
from api.kernel.data.database import Database, open_database
from api.kernel.outbox.tasks import subscribers
from api.kernel.settings import Settings
from tests.kernel.work import Work


@pytest.fixture
async def small(cloned: Settings) -> AsyncIterator[Database]:
    """A pool of two connections on a database of its own, with a table to lock and to violate constraints on."""
    async with open_database(cloned, {}, 2) as opened:
        await opened.fetch("create table things (id int primary key, name text)")
        await opened.fetch("alter table things add constraint things_name check (name <> '')")
        yield opened


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
async def things(cloned: Settings, work: Work) -> AsyncIterator[Context]:
    """A Context whose one subscriber is `work`."""
    async with open_context(cloned, subscribers([work.task])) as opened:
        yield opened


@pytest.fixture
def bearer(context: Context) -> dict[str, str]:
    """The header of a valid token, whose session does not exist."""
    token = context.tokens.issue(sub=uuid4(), sid=uuid4(), jti=uuid4(), email="a@b.cd", name=None, roles=())
    return {"authorization": f"Bearer {token}"}
