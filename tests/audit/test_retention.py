"""Audit entries are removed after AUDIT_DAYS, and the rest can still be verified."""

import io
import json
import logging
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from api.audit import retention
from api.audit.chain import Broken, seal, walk
from api.audit.export import export, verify_file
from api.audit.retention import remove_old
from api.audit.settings import AuditSettings
from api.audit.types import Head
from api.kernel.context import Context, Origin
from api.kernel.data.database import uuid7
from api.kernel.settings import Settings
from api.sessions.events import SignInRefused
from api.users.events import UserDisabled
from tests.audit.entries import announce, chain_of
from tests.audit.test_chain import broken, last
from tests.audit.test_erase import delete
from tests.configured import configured

pytestmark = [pytest.mark.asvs("16.4.2"), pytest.mark.asvs("14.2.7"), pytest.mark.cwe(770), pytest.mark.case(183)]


async def seal_all(context: Context) -> None:
    while await seal(context):
        pass


async def old_chain(context: Context, length: int) -> UUID:
    """Return a sealed chain of entries that are older than AUDIT_DAYS."""
    user_id = uuid7()
    for _ in range(length):
        await announce(context, UserDisabled(user_id=user_id))
    age = timedelta(days=context.settings.of(AuditSettings).days + 1)
    await context.db.fetch(
        "update audit_entries set created_at = created_at - $1::interval where position is null", age
    )
    await seal_all(context)
    return user_id


async def positions(context: Context) -> list[int]:
    return [row[0] for row in await context.db.fetch("select position from audit_entries order by position nulls last")]


async def test_old_entries_are_removed_and_the_rest_is_verified_from_there(context: Context) -> None:
    """C-183."""
    await old_chain(context, 3)
    head = (await last(context)).head
    await chain_of(context, 2)
    before = (await last(context)).head
    assert [await remove_old(context), await remove_old(context)] == [3, 0]
    await seal_all(context)
    assert await positions(context) == [4, 5, 6]
    [row] = await context.db.fetch("select data from audit_entries where type = 'audit.removed'")
    told = json.loads(row["data"])
    assert (told["position"], told["hash"], told["removed"]) == (3, head.link.hex(), 3)
    walked = await last(context, before)
    assert (walked.head.last, walked.removed) == (6, 3)
    assert (await last(context, head)).removed == 3, "the link before its first entry"
    assert "another hash" in await broken(context, Head(3, bytes(32)))
    assert (await broken(context, Head(2, bytes(32)))) == "position 2 was removed for its age, with all up to 3."


async def test_only_old_entries_are_removed_and_zero_days_keep_all(context: Context) -> None:
    """C-183: an entry that committed late between older ones keeps its successors."""
    await old_chain(context, 1)
    await chain_of(context, 1)
    await old_chain(context, 1)
    keeping = msgspec.structs.replace(context, settings=configured(context.settings, days=0))
    assert await remove_old(keeping) == 0
    assert [await remove_old(context), await remove_old(context)] == [1, 0]
    assert await positions(context) == [2, 3, None]


async def test_an_altered_entry_is_not_removed(context: Context, caplog: pytest.LogCaptureFixture) -> None:
    """C-183: each page is verified first."""
    await old_chain(context, 3)
    await context.db.fetch("update audit_entries set type = 'users.updated' where position = 2")
    with caplog.at_level(logging.ERROR):
        assert await remove_old(context) == 0
    assert [record.levelname for record in caplog.records if record.levelno >= logging.WARNING] == ["ERROR"]
    assert await positions(context) == [1, 2, 3]
    assert (await broken(context)).startswith("position 2 ")


FORGERIES = {
    "more removed than it says": ("delete from audit_entries where position = 4", "position 4 is missing"),
    "a later position": (
        "update audit_entries set data = jsonb_set(data, '{position}', '4') where type = 'audit.removed'",
        "position 5 is missing; the next is 4.",
    ),
    "another hash": (
        "update audit_entries set data = jsonb_set(data, '{hash}', to_jsonb(repeat('00', 32)))"
        " where type = 'audit.removed'",
        "position 4 (",
    ),
    "more that was erased": (
        "update audit_entries set data = jsonb_set(data, '{announced_data}', '9') where type = 'audit.removed'",
        "has other data than when it was sealed",
    ),
    "the checkpoint itself": ("delete from audit_entries where type = 'audit.removed'", "position 1 is missing"),
}


@pytest.mark.parametrize(("forgery", "told"), FORGERIES.values(), ids=FORGERIES.keys())
async def test_a_checkpoint_cannot_be_changed(context: Context, forgery: str, told: str) -> None:
    """C-183: it is a link of the chain."""
    await old_chain(context, 3)
    await chain_of(context, 2)
    await remove_old(context)
    await seal_all(context)
    await last(context)
    await context.db.fetch(forgery)
    assert told in await broken(context)


async def test_erased_counts_stay_valid_after_the_removal(context: Context) -> None:
    """C-183: the entries that announced an erasure may be removed before or after the erased ones."""
    user_id = await old_chain(context, 3)
    await delete(context, user_id)
    await announce(context, SignInRefused(attempt_id=uuid7(), user_id=None, reason="password"), Origin())
    await seal_all(context)
    walked = await last(context)
    assert (walked.data, walked.origins) == (3, 4)
    assert await remove_old(context) == 3
    await seal_all(context)
    assert (await last(context)).data == 3
    before = (await last(context)).head
    async with context.db.transaction() as db:
        assert await retention._remove(db, timedelta(seconds=-1)) == 4, "including those that announced the erasure"
    await seal_all(context)
    walked = await last(context)
    assert (walked.removed, walked.data) == (before.last, 3)
    await announce(context, UserDisabled(user_id=uuid7()))
    await seal_all(context)
    await context.db.fetch("update audit_entries set data = null, data_salt = null where type = 'users.disabled'")
    assert "the others were tampered with" in await broken(context)


async def test_a_long_history_is_removed_page_by_page(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "REMOVED_AT_ONCE", 2)
    await old_chain(context, 5)
    assert [await remove_old(context) for _ in range(4)] == [2, 2, 1, 0]
    await seal_all(context)
    assert await positions(context) == [6, 7, 8]
    assert (await last(context)).removed == 5


async def test_a_walk_continues_although_entries_are_removed(live: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """C-183: old entries are removed ahead of a verification that has just begun."""
    monkeypatch.setattr("api.audit.chain.AT_ONCE", 2)
    monkeypatch.setattr(retention, "REMOVED_AT_ONCE", 4)
    await old_chain(live, 6)
    walking = walk(live.db)
    assert (await anext(walking)).head.last == 2
    assert await remove_old(live) == 4
    await seal_all(live)
    assert [walked.head.last async for walked in walking][-1] == 7


async def test_a_chain_of_an_earlier_release_is_verified_and_removed(context: Context) -> None:
    """C-183: its entries have no `subjects`."""
    user_id = await old_chain(context, 2)
    await context.db.fetch("update audit_entries set subjects = null")
    head = (await last(context)).head
    await chain_of(context, 1)
    assert (await last(context, head)).head.last == 3
    await delete(context, user_id)
    await seal_all(context)
    assert (await last(context, head)).data == 2
    assert await remove_old(context) == 2
    await seal_all(context)
    assert (await last(context, head)).removed == 2


async def run(environment: dict[str, str], root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "api.audit", *arguments]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, timeout=100)  # noqa: ASYNC221


async def test_an_export_is_verified_without_the_database(
    environment: dict[str, str], cloned: Settings, root: Path, live: Context, tmp_path: Path
) -> None:
    """C-183: removed entries can be archived."""
    await old_chain(live, 3)
    await remove_old(live)
    await chain_of(live, 2)
    own = environment | {"DATABASE_URL": cloned.database_url, "PATH": "/usr/bin:/bin"}
    done = await run(own, root, "export")
    assert (done.returncode, b"3 entries checked; those up to position 3" in done.stderr) == (0, True), done.stderr
    file = tmp_path / "audit.ndjson"
    file.write_bytes(done.stdout)
    head = (await last(live)).head
    link = f"{head.last}:{head.link.hex()}"
    verified = await run({"PATH": "/usr/bin:/bin"}, root, "--file", str(file), "--expect", link)
    assert (verified.returncode, verified.stdout.endswith(f"{link}\n".encode())) == (0, True), verified.stderr


async def test_a_changed_export_does_not_verify(context: Context) -> None:
    """C-183."""
    await old_chain(context, 3)
    await remove_old(context)
    await chain_of(context, 2)
    file = io.BytesIO()
    head = (await export(context.db, file)).head
    first, second, *rest = file.getvalue().splitlines(keepends=True)
    assert verify_file([first, second, *rest], head).head == head
    for lines, told in (
        ([first, second], "the end was cut off"),
        ([first, *rest], "position 4 is missing"),
        ([first, second.replace(b"audit.removed", b"audit.renamed"), *rest], "position 4 ("),
        ([], "the file is empty"),
        ([b"x\n"], "line 1 of the file is not of an export"),
        ([first, b"{}\n"], "line 2 of the file is not of an export"),
    ):
        with pytest.raises(Broken, match=re.escape(told)):
            verify_file(lines, head)
