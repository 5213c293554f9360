"""A superuser's client."""

import httpx
import pytest

from api.kernel.context import Context
from tests.factories import make_user
from tests.users.people import sign_in


@pytest.fixture
async def admin(client: httpx.AsyncClient, context: Context) -> httpx.AsyncClient:
    """The client, signed in as root@example.com, the only superuser."""
    root = await make_user(context, "root@example.com", superuser=True)
    client.headers.update(await sign_in(client, root.email))
    return client
