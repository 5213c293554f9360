"""Every cell of the table of credentials after each action, in docs/security.md."""

from pathlib import Path

import httpx
import pytest

from api.kernel.context import Context
from api.kernel.errors import Problem
from tests.users.handover import ACTIONS, left, make_world
from tests.users.handover_table import STATES, cells, placed


@pytest.mark.case(130)
@pytest.mark.parametrize(
    ("state", "action", "answer", "kept"), [pytest.param(*cell, id=f"{cell[0]}-{cell[1]}") for cell in cells()]
)
async def test_remaining_credentials(
    client: httpx.AsyncClient, context: Context, state: str, action: str, answer: str, kept: set[str]
) -> None:
    world = await make_world(client, context, state)
    try:
        response = await ACTIONS[action](world)
        said = "200" if response is None else str(response.status_code)
        if response is not None and response.is_error:
            said = response.json()["code"]
    except Problem as refusal:
        response, said = None, refusal.code
    assert said == answer
    assert await left(world, response) == kept


@pytest.mark.case(130)
def test_every_action_is_documented_for_every_state(root: Path) -> None:
    assert [cell[:2] for cell in cells()] == [(state, action) for state in STATES for action in ACTIONS]
    document = (root / "docs/security.md").read_text()
    assert placed(document) == document
