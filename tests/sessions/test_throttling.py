"""Guessing passwords is slow, by account and by network, and strangers cannot lock an account."""

import asyncio
from collections import Counter

import httpx
import msgspec
import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from starlette.applications import Starlette

from api.kernel.context import Context
from api.kernel.data.cache import open_cache
from api.kernel.identity.limits import Limiter
from api.kernel.settings import Settings
from api.sessions.upkeep import announce_refusals
from api.users.queries import change_password
from tests.factories import make_user
from tests.kernel.signals import points
from tests.sessions.conftest import ClientAt
from tests.sessions.signing import login, set_by
from tests.transactions import in_transaction

NEW = {"user-agent": "attack/1"}


async def guess(client: httpx.AsyncClient, email: str, times: int) -> list[int]:
    return [(await login(client, email, f"wrong {number}", **NEW)).status_code for number in range(times)]


def counted(metrics: InMemoryMetricReader) -> Counter[str]:
    return Counter({point.attributes["reason"]: point.value for point in points(metrics, "sessions.refused")})


async def empty_bucket(context: Context) -> None:
    """Reset the limits, as after a quarter of an hour."""
    await context.cache.execute("FLUSHDB")


@pytest.mark.parametrize("email", ["ada@example.com", "nobody@example.com"])
async def test_the_sixth_guess_is_refused_from_any_network(client_at: ClientAt, context: Context, email: str) -> None:
    """C-52: and so is the right password, to reveal nothing; known and unknown addresses are treated alike."""
    await make_user(context, "ada@example.com")
    for number in range(5):
        answer = await login(client_at(f"198.51.{number}.7"), email.upper(), "wrong", **NEW)
        assert (answer.status_code, answer.json()["code"]) == (400, "LOGIN_BAD_CREDENTIALS")
    answers = [await login(client_at("203.0.113.7"), email, password, **NEW) for password in ("wrong", "right")]
    answers.append(await login(client_at("203.0.113.7"), email, **NEW))
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(429, "RATE_LIMITED")}
    assert 0 < int(answers[0].headers["retry-after"]) <= 900
    assert answers[0].json()["violated-policies"] == ["sign-in"]
    assert f'"sign-in";r=0;t={answers[0].headers["retry-after"]}' in answers[0].headers["ratelimit"]
    assert len({each.headers["ratelimit-policy"] for each in [answer, *answers]}) == 1
    await announce_refusals(context)
    rows = await context.db.fetch("select data->>'reason', (data->>'attempts')::int from outbox_events")
    counted = Counter[str]()
    for reason, attempts in rows:
        counted[reason] += attempts
    assert counted == {"password": 5, "throttled": 3}


async def test_later_the_right_password_works(client_at: ClientAt, context: Context) -> None:
    await make_user(context, "ada@example.com")
    client = client_at("198.51.100.7")
    assert await guess(client, "ada@example.com", 6) == [400] * 5 + [429]
    await empty_bucket(context)
    assert (await login(client, "ada@example.com", **NEW)).status_code == 200


async def test_a_success_refunds_its_charge(client_at: ClientAt, context: Context) -> None:
    await make_user(context, "ada@example.com")
    client = client_at("198.51.100.7")
    for _ in range(8):
        assert (await login(client, "ada@example.com")).status_code == 200


async def test_a_stranger_locks_no_owner_out(client_at: ClientAt, context: Context) -> None:
    """C-53: neither a device that the account knows by its cookie, nor its usual place."""
    await make_user(context, "ada@example.com")
    home, abroad, stranger = (client_at(address) for address in ("192.0.2.5", "198.51.100.7", "203.0.113.7"))
    first = await login(home, "ada@example.com", **{"user-agent": "mine/1"})
    cookie = f"__Host-device={set_by(first)['__Host-device']}"
    assert await guess(stranger, "ada@example.com", 7) == [400] * 5 + [429] * 2
    assert (await login(abroad, "ada@example.com", cookie=cookie, **NEW)).status_code == 200
    assert (await login(client_at("192.0.2.77"), "ada@example.com", **{"user-agent": "mine/1"})).status_code == 200
    assert (await login(client_at("203.0.113.9"), "ada@example.com", **NEW)).status_code == 429


async def test_a_guessing_network_locks_no_known_device_out(client_at: ClientAt, context: Context) -> None:
    """C-169: neither by the limit of the /24, nor by that of the address."""
    await make_user(context, "ada@example.com")
    known = client_at("198.51.100.7")
    first = await login(known, "ada@example.com", **{"user-agent": "mine/1"})
    cookie = f"__Host-device={set_by(first)['__Host-device']}"
    statuses = Counter[int]()
    for number in range(40):
        at = client_at(f"198.51.100.{number // 2}")
        statuses[(await login(at, f"invented{number}@example.com", "wrong", **NEW)).status_code] += 1
    for _ in range(25):
        statuses[(await login(known, "invented@example.com", "wrong", **NEW)).status_code] += 1
    assert statuses == {400: 30, 429: 35}
    assert (await login(known, "ada@example.com", cookie=cookie, **NEW)).status_code == 200
    assert (await login(known, "ada@example.com", **NEW)).status_code == 429, "an unknown device"


async def test_a_guessing_network_locks_no_usual_place_out(client_at: ClientAt, context: Context) -> None:
    """C-169: for clients without cookies; guesses at the known account are still limited there."""
    for number in range(4):
        user = await make_user(context, f"known{number}@example.com")
        assert (await login(client_at("192.0.2.5"), user.email, **{"user-agent": "mine/1"})).status_code == 200
    for number in range(31):
        await login(client_at(f"192.0.2.{100 + number}"), f"invented{number}@example.com", "wrong", **NEW)
    assert (await login(client_at("192.0.2.6"), "known0@example.com", **{"user-agent": "mine/1"})).status_code == 200
    guesses = []
    for number in range(36):
        at, email = client_at(f"192.0.2.{10 + number}"), f"known{number % 4}@example.com"
        guesses.append((await login(at, email, "wrong", **{"user-agent": "mine/1"})).status_code)
    assert guesses == [400] * 30 + [429] * 6


async def test_ones_own_device_cookie_gives_no_fresh_guesses(client_at: ClientAt, context: Context) -> None:
    """C-169: an attacker can sign in to an account of their own for any number of device cookies."""
    await make_user(context, "ada@example.com")
    await make_user(context, "eve@example.com")
    statuses = []
    for number in range(12):
        at = client_at(f"203.0.113.{number}")
        cookie = f"__Host-device={set_by(await login(at, 'eve@example.com', **NEW))['__Host-device']}"
        statuses.append((await login(at, "ada@example.com", "wrong", cookie=cookie, **NEW)).status_code)
    assert statuses == [400] * 5 + [429] * 7


async def test_resetting_the_password_unlocks_it_everywhere(client_at: ClientAt, context: Context) -> None:
    """C-53."""
    user = await make_user(context, "ada@example.com")
    assert await guess(client_at("203.0.113.7"), "ada@example.com", 6) == [400] * 5 + [429]
    [row] = await context.db.fetch("select password_hash from users")
    await in_transaction(context.db, change_password, user.id, row["password_hash"], None)
    assert (await login(client_at("198.51.100.7"), "ada@example.com", **NEW)).status_code == 200


async def test_guesses_by_a_known_device_are_limited(client_at: ClientAt, context: Context) -> None:
    await make_user(context, "ada@example.com")
    client = client_at("198.51.100.7")
    first = await login(client, "ada@example.com", **{"user-agent": "mine/1"})
    client.headers["cookie"] = f"__Host-device={set_by(first)['__Host-device']}"
    assert await guess(client, "ada@example.com", 11) == [400] * 10 + [429]


@pytest.mark.parametrize("device", ["", "x", "A" * 64, "another's", "changed"])
async def test_an_unknown_device_counts_like_a_strangers(client_at: ClientAt, context: Context, device: str) -> None:
    await make_user(context, "ada@example.com")
    await make_user(context, "eve@example.com")
    client = client_at("198.51.100.7")
    if device in ("another's", "changed"):
        device = set_by(await login(client_at("203.0.113.7"), "eve@example.com"))["__Host-device"]
    client.headers["cookie"] = f"__Host-device={device}"
    assert await guess(client, "ada@example.com", 6) == [400] * 5 + [429]


async def test_password_spraying_is_refused_by_network(client_at: ClientAt, context: Context) -> None:
    """C-54: thirty from one network; other networks are not affected."""
    answers = []
    for number in range(32):
        client = client_at(f"198.51.100.{number}")
        answers.append(await login(client, f"someone{number}@example.com", "Spring2026!"))
    assert [answer.status_code for answer in answers] == [400] * 30 + [429] * 2
    assert answers[-1].json()["violated-policies"] == ["sign-in-network"]
    assert (await login(client_at("203.0.113.7"), "someone@example.com", "Spring2026!")).status_code == 400


async def test_refusals_are_counted_for_an_alert(
    client_at: ClientAt, context: Context, metrics: InMemoryMetricReader
) -> None:
    """C-54: if spread over many networks, only the number shows it."""
    before = counted(metrics)
    for number in range(7):
        await login(client_at(f"198.51.{number}.7"), "ada@example.com", "wrong")
    assert counted(metrics) - before == Counter(password=5, throttled=2)


async def test_of_a_hundred_concurrent_guesses_at_most_five_pass(live_client_at: ClientAt) -> None:
    """C-55."""
    clients = [live_client_at(f"198.{number}.100.7") for number in range(100)]
    answers = await asyncio.gather(*(login(client, "nobody@example.com", "wrong") for client in clients))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [400] * 5 + [429] * 95


async def test_without_redis_fewer_guesses_are_allowed(
    client_at: ClientAt, app: Starlette, context: Context, nowhere: Settings
) -> None:
    """C-56: stricter, not open."""
    await make_user(context, "ada@example.com")
    client, settings = client_at("198.51.100.7"), app.state.context.settings
    async with open_cache(nowhere) as away:
        app.state.context = msgspec.structs.replace(app.state.context, cache=away, limiter=Limiter(settings, away))
        assert await guess(client, "ada@example.com", 4) == [400] * 2 + [429] * 2
        assert (await login(client, "ada@example.com", **NEW)).status_code == 429
