"""Switches of accounts and of roles."""

from typing import Any

import httpx
import pytest

from api.kernel.context import Context
from api.kernel.mail import MemoryMailer
from api.users.types import User
from tests.factories import make_user
from tests.mailed import mailed
from tests.notifications.conftest import events_of, headers_of, notified

pytestmark = pytest.mark.case(403)
MINE = "/api/notifications/preferences"
OF_ROLE = "/api/notifications/role-preferences/editor"


def switch(group: str, channel: str, value: str) -> dict[str, str]:
    return {"group": group, "channel": channel, "value": value}


def values(preferences: dict[str, Any]) -> dict[tuple[str, str], str]:
    return {(each["group"], each["channel"]): each["value"] for each in preferences["switches"]}


async def test_the_default_gives_way_to_the_role_and_the_role_to_the_account(
    client: httpx.AsyncClient, context: Context
) -> None:
    root = await headers_of(client, await make_user(context, superuser=True))
    editor = await headers_of(client, await make_user(context, roles=["editor", "member"]))
    mail = ("product", "mail")
    assert values((await client.get(MINE, headers=editor)).json())[mail] == "instant"
    of_role = {"switches": [switch("product", "mail", "off")]}
    assert (await client.put(OF_ROLE, json=of_role, headers=root)).json()["switches"] == of_role["switches"]
    assert values((await client.get(MINE, headers=editor)).json())[mail] == "off"
    more = {"switches": [switch("product", "mail", "digest")]}
    await client.put(OF_ROLE.replace("editor", "member"), json=more, headers=root)
    assert values((await client.get(MINE, headers=editor)).json())[mail] == "digest", "the value that sends more"
    mine = {"switches": [switch("product", "mail", "instant")]}
    changed = (await client.put(MINE, json=mine, headers=editor)).json()
    [found] = [each for each in changed["switches"] if (each["group"], each["channel"]) == mail]
    assert (found["value"], found["inherited"], found["is_mine"], found["locked"]) == ("instant", "digest", True, False)
    await client.put(MINE, json={"switches": []}, headers=editor)
    assert values((await client.get(MINE, headers=editor)).json())[mail] == "digest"
    assert len((await client.get("/api/notifications/role-preferences", headers=root)).json()) == 2


async def test_security_is_locked_except_for_push(adas: httpx.AsyncClient) -> None:
    shown = (await adas.get(MINE)).json()["switches"]
    assert {each["channel"]: each["locked"] for each in shown if each["group"] == "security"} == {
        "in_app": True,
        "mail": True,
        "push": False,
    }
    for channel, value in (("mail", "off"), ("mail", "digest"), ("in_app", "off")):
        refused = await adas.put(MINE, json={"switches": [switch("security", channel, value)]})
        assert (refused.status_code, refused.json()["code"]) == (409, "NOTIFICATION_SWITCH_LOCKED")
    all_of_them = [switch(each["group"], each["channel"], each["value"]) for each in shown]
    again = await adas.put(MINE, json={"switches": all_of_them})
    assert values(again.json()) == values({"switches": shown}), "the unchanged values of locked switches are accepted"
    await adas.put(MINE, json={"switches": [switch("security", "push", "off")]})
    assert values((await adas.get(MINE)).json())["security", "push"] == "off"


async def test_a_stale_change_is_refused_and_a_change_is_announced(adas: httpx.AsyncClient, context: Context) -> None:
    tag = (await adas.get(MINE)).headers["etag"]
    first = await adas.put(MINE, json={"switches": [switch("product", "push", "off")]}, headers={"if-match": tag})
    second = await adas.put(MINE, json={"switches": []}, headers={"if-match": tag})
    assert (first.status_code, second.status_code) == (200, 412)
    await adas.put(MINE, json={"switches": [switch("product", "push", "off")]})
    assert len(await events_of(context, "notifications.preferences_changed")) == 1


async def test_times_of_digests_are_kept(adas: httpx.AsyncClient) -> None:
    digest = {"every": "day", "hour": 7, "zone": "Europe/Berlin"}
    assert (await adas.put(MINE, json={"switches": [], "digest": digest})).json()["digest"] == digest
    assert (await adas.get(MINE)).json()["digest"] == digest


@pytest.mark.parametrize(
    "body",
    [
        {"switches": [switch("unknown", "mail", "off")]},
        {"switches": [switch("product", "fax", "off")]},
        {"switches": [switch("product", "mail", "on")]},
        {"switches": [switch("product", "push", "digest")]},
        {"switches": [switch("product", "mail", "off"), switch("product", "mail", "instant")]},
        {"switches": [switch("product", "mail", "off")] * 101},
        {"switches": [], "digest": {"zone": "Mars/Olympus"}},
        {"switches": [], "digest": {"zone": "../../etc/passwd"}},
        {"switches": [], "digest": {"zone": "\0"}},
        {"switches": [], "digest": {"hour": 24}},
        {"switches": [], "digest": {"hour": -1}},
        {"switches": [], "digest": {"hour": 2**63}},
        {"digest": {}},
    ],
)
async def test_invalid_preferences_are_refused(adas: httpx.AsyncClient, body: dict[str, Any]) -> None:
    assert (await adas.put(MINE, json=body)).status_code == 422


@pytest.mark.case(459)
@pytest.mark.parametrize("zone", ["localtime", "posixrules", "right/Europe/Berlin", "europe/berlin", "Factory", ""])
async def test_files_of_a_system_are_not_time_zones(adas: httpx.AsyncClient, zone: str) -> None:
    """A worker on another system may lack them, and could then send no digest of the account."""
    answer = await adas.put(MINE, json={"switches": [], "digest": {"zone": zone}})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/digest/zone")


async def test_channels_that_are_off_are_not_used(
    adas: httpx.AsyncClient, context: Context, ada: User, mailbox: MemoryMailer
) -> None:
    off = [switch("product", channel, "off") for channel in ("in_app", "mail", "push")]
    await adas.put(MINE, json={"switches": off[:1]})
    await notified(context, ada)
    await mailed(context)
    assert len(mailbox.sent) == 1, "the mail alone"
    assert (await adas.get("/api/notifications")).json()["total"] == 0
    assert (await adas.get("/api/notifications/counts")).json() == {"unseen": 0, "unread": 0}
    await adas.put(MINE, json={"switches": off[1:]})
    await notified(context, ada)
    await mailed(context)
    assert mailbox.sent == []
    assert (await adas.get("/api/notifications")).json()["total"] == 1
    assert [event["push"] for event in await events_of(context, "notifications.created")] == [True, False]
