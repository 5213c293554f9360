"""GET /audit/verification: the last entries of the chain."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from api.audit.chain import seal
from api.kernel.context import Context
from tests.audit.entries import chain_of
from tests.audit.test_chain import ALTERATIONS

pytestmark = [pytest.mark.case(379), pytest.mark.asvs("16.4.2"), pytest.mark.cwe(345)]
MOST = 5


@pytest.fixture
async def superuser(
    signed_in: httpx.AsyncClient, context: Context, monkeypatch: pytest.MonkeyPatch
) -> httpx.AsyncClient:
    """A superuser, and an empty chain, of which five entries are verified."""
    monkeypatch.setattr("api.audit.chain.AT_ONCE", MOST)
    id = (await signed_in.get("/api/users/me")).json()["id"]
    await context.db.fetch("update users set is_superuser = true where id = $1", UUID(id))
    while await seal(context):
        pass
    await context.db.fetch("delete from audit_entries")
    return signed_in


async def verification(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get("/api/audit/verification")
    assert answer.status_code == 200
    told: dict[str, Any] = answer.json()
    return told


async def test_verifies_a_short_chain_from_its_start(superuser: httpx.AsyncClient, context: Context) -> None:
    told = await verification(superuser)
    assert (told["checked"], told["last"], told["whole"], told["broken"]) == (0, 0, True, None)
    await chain_of(context, MOST)
    told = await verification(superuser)
    [head] = await context.db.fetch("select encode(hash, 'hex') as hash from audit_entries where position = $1", MOST)
    assert (told["checked"], told["first"], told["last"], told["hash"]) == (MOST, 1, MOST, head["hash"])
    assert (told["whole"], told["broken"]) == (True, None)


async def test_verifies_the_end_of_a_long_chain(superuser: httpx.AsyncClient, context: Context) -> None:
    await chain_of(context, MOST + 3)
    told = await verification(superuser)
    assert (told["checked"], told["first"], told["last"]) == (MOST, 4, MOST + 3)
    assert (told["whole"], told["broken"]) == (False, None)


@pytest.mark.parametrize("alteration", ALTERATIONS.values(), ids=ALTERATIONS.keys())
async def test_names_the_first_wrong_entry(superuser: httpx.AsyncClient, context: Context, alteration: str) -> None:
    await chain_of(context, MOST)
    await context.db.fetch(alteration)
    told = await verification(superuser)
    assert told["broken"].startswith("position "), told
    assert told["checked"] < MOST


async def test_a_missing_start_is_found(superuser: httpx.AsyncClient, context: Context) -> None:
    await chain_of(context, MOST)
    await context.db.fetch("delete from audit_entries where position = 1")
    told = await verification(superuser)
    assert (told["checked"], told["broken"]) == (0, "position 1 is missing; the next is 2.")
