"""GET /events: what an account may follow."""

from pathlib import Path

import pytest

from api.kernel.context import Context
from tests.factories import PASSWORD
from tests.live.conftest import MODULE
from tests.live.following import Follower, Sent
from tests.nginx import nginx
from tests.realtime.conftest import Person
from tests.wire import Web, serving


async def until(follower: Follower, name: str, **fields: object) -> Sent:
    """Return the first event of a name with these fields. Events of just before the stream may precede it."""
    while sent := await follower.next():
        if sent.name == name and sent.data.items() >= fields.items():
            return sent
    raise AssertionError(f"the stream ended before {name}")


def is_about(sent: Sent | None, person: Person) -> bool:
    return sent is not None and sent.data["scope"] == "own" and sent.data["data"]["user_id"] == str(person.user.id)


async def test_an_account_follows_its_own_events(ada: Person, grace: Person) -> None:
    """C-411: with their fields, and no event of others."""
    async with ada.follow() as follower:
        await follower.opened()
        await grace.ask("PATCH", "/users/me", json={"name": "Grace"})
        await grace.ask("POST", "/auth/jwt/logout")
        await ada.ask("PATCH", "/users/me", json={"name": "Ada"})
        first, second = ada.token, await ada.sign_in()
        await ada.ask("POST", "/auth/jwt/logout")
        names: list[str] = []
        while names[-3:] != ["users.updated", "sessions.started", "sessions.ended"]:
            sent = await follower.next()
            assert is_about(sent, ada), "an event of another account"
            assert sent is not None
            names.append(sent.name)
            if sent.name == "users.updated":
                assert sent.data["data"]["changed"] == ["name"]
        assert sent is not None
        assert sent.data["id"] == sent.data["data"]["session_id"]
        assert sent.data["data"]["reason"] == "logout"
    assert first != second


async def test_missed_events_are_those_of_the_account(ada: Person, grace: Person) -> None:
    """C-411: after a reconnection too."""
    async with ada.follow() as follower:
        await follower.opened()
    for number in range(3):
        await grace.ask("PATCH", "/users/me", json={"name": f"Grace {number}"})
        await ada.ask("PATCH", "/users/me", json={"name": f"Ada {number}"})
    async with ada.follow(follower.last) as again:
        updates = 0
        while updates < 3:
            sent = await again.next()
            assert is_about(sent, ada)
            updates += bool(sent and sent.name == "users.updated")
        await ada.ask("POST", "/auth/jwt/logout")
        rest = [each.name for each in await again.rest()]
        assert rest in (["bye"], ["sessions.ended", "bye"])
    async with ada.follow(follower.last) as refused:
        assert refused.status == 401


async def test_a_superuser_learns_what_changes_elsewhere(ada: Person, admin: Person) -> None:
    """C-412: without its content, and of itself like all others."""
    id = str(ada.user.id)
    expected = {"scope": "all", "type": "users.updated", "id": id, "user_id": id}
    async with admin.follow() as follower:
        await follower.opened()
        await ada.ask("PATCH", "/users/me", json={"name": "Ada"})
        assert (await until(follower, "users.updated")).data == expected
        await admin.ask("POST", "/plans/tiers", json={"name": f"tier {id}"})
        tier = await until(follower, "plans.tier_changed")
        assert tier.data.keys() == {"scope", "type", "id", "user_id"}
        await admin.ask("PATCH", "/users/me", json={"name": "Admin"})
        assert is_about(await until(follower, "users.updated"), admin)
        await ada.ask("PATCH", "/users/me", json={"name": "Ada Lovelace"})
    async with admin.follow(follower.last) as again:
        assert (await until(again, "users.updated", id=id)).data == expected


async def test_the_wider_feed_ends_with_the_right(
    newsroom_environment: dict[str, str], ada: Person, admin: Person, archive: Context, tmp_path: Path
) -> None:
    """C-412: at once, not at a heartbeat. The stream that follows is that of an account like others, also for what was
    missed."""
    await archive.db.fetch("update users set is_superuser = true where id = $1", ada.user.id)
    environment = newsroom_environment | {"BEAT_SECONDS": "600"}
    with serving(environment, tmp_path, MODULE) as web:
        async with Follower(web.port, "/events", authorization=f"Bearer {ada.token}") as follower:
            await follower.opened()
            await admin.ask("PATCH", f"/users/{ada.user.id}", json={"is_superuser": False})
            ended = (await follower.rest())[-1]
            assert (ended.name, ended.data) == ("bye", {"reason": "changed"})
    await admin.ask("PATCH", "/users/me", json={"name": "Admin"})
    async with ada.follow(follower.last) as narrow:
        await ada.ask("PATCH", "/users/me", json={"name": "Ada"})
        changed: list[str] = []
        while changed != ["name"]:
            sent = await narrow.next()
            assert is_about(sent, ada)
            changed = sent.data["data"].get("changed") if sent else []


async def test_a_new_right_begins_the_wider_feed(ada: Person, admin: Person) -> None:
    """C-412: the stream ends, and the next one is wider."""
    async with ada.follow() as follower:
        await follower.opened()
        await admin.ask("PATCH", f"/users/{ada.user.id}", json={"is_superuser": True})
        assert (await follower.rest())[-1].data == {"reason": "changed"}
    async with ada.follow(follower.last) as wide:
        await wide.opened()
        await admin.ask("PATCH", "/users/me", json={"name": "Admin"})
        assert await until(wide, "users.updated", scope="all", id=str(admin.user.id))


async def test_a_guest_follows_nothing(newsroom: Web) -> None:
    async with Follower(newsroom.port, "/events") as refused:
        assert refused.status == 401


@pytest.mark.parametrize("name", ["access_token", "token", "Authorization", "jwt"])
async def test_a_token_in_the_query_is_refused(newsroom: Web, ada: Person, name: str) -> None:
    """C-413: also beside a valid header or cookie, and no log has it (R7)."""
    path = f"/events?{name}={ada.token}"
    ways = [{}, {"authorization": f"Bearer {ada.token}"}, {"cookie": f"__Host-access={ada.token}"}]
    for headers in ways:
        async with Follower(newsroom.port, path, **headers) as refused:
            assert refused.status == 401
    async with Follower(newsroom.port, "/events", cookie=f"__Host-access={ada.token}") as follower:
        assert follower.status == 200
    signature = ada.token.rpartition(".")[2]
    assert signature not in newsroom.logged()


async def test_streams_end_with_the_password(ada: Person) -> None:
    """C-351, on this route: all sessions but the one that changes it."""
    async with ada.follow() as follower:
        await follower.opened()
        await ada.sign_in()
        body = {"current_password": PASSWORD, "new_password": "a staple of batteries 37"}
        await ada.ask("POST", "/users/change-password", json=body)
        sent = await follower.rest()
        assert (sent[-1].name, sent[-1].data) == ("bye", {"reason": "signed_out"})


async def test_a_proxy_that_cuts_silent_connections_cuts_no_stream(newsroom: Web, ada: Person, tmp_path: Path) -> None:
    """C-294: nginx after 60 s, others after 55; here after 8, with a heartbeat each 2 s instead of each 15."""
    with nginx(newsroom.port, tmp_path, silence=8) as port:
        async with Follower(port, "/events", authorization=f"Bearer {ada.token}") as follower:
            await follower.opened()
            for _ in range(6):
                await follower.beat()
            await ada.ask("PATCH", "/users/me", json={"name": "Ada"})
            assert is_about(await until(follower, "users.updated"), ada)
