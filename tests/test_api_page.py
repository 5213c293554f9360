"""docs/api.md matches a new run."""

import msgspec

from api.app import create_app
from api.kernel.context import Context
from api.kernel.mail import MemoryMailer
from api.kernel.settings import Settings
from tests import api_page
from tests.conftest import client_of


async def test_the_page_shows_what_the_routes_answer(cloned: Settings, live: Context) -> None:
    """If this fails, run `make api-page`."""
    app = create_app(cloned)
    app.state.context = msgspec.structs.replace(live, mail=MemoryMailer())
    async with client_of(app) as client:
        page = await api_page.page(client, app.state.context)
    assert page.splitlines() == api_page.PAGE.read_text("utf-8").splitlines()
