"""Points 20 and 21: anonymous requests write a bounded number of rows, an erasure is complete, values in Redis are not
trusted."""

import secrets
import time
from concurrent.futures import ThreadPoolExecutor

from tests.attacks.attack import attack, held, none_broken
from tests.attacks.client import code, fresh_email, fresh_password
from tests.attacks.site import Site
from tests.attacks.world import World

MOST = 30
"""Rows that hundreds of refused requests may leave."""


def settled(site: Site) -> int:
    """Return the number of rows after the worker's pending tasks: the minimum within some seconds."""
    least, deadline = site.row_count(), time.monotonic() + 4
    while time.monotonic() < deadline:
        time.sleep(0.5)
        least = min(least, site.row_count())
    return least


@attack(20, alone=True)
def refused_requests_write_no_rows_without_end(world: World) -> None:
    """Hundreds of throttled and refused requests leave a handful of rows in all tables together"""
    site, found = world.production(), {}
    victim = site.verified()
    plain = site.verified()
    invented = fresh_email("invented")
    tries = {
        "one account, many addresses": lambda: site.client().login(victim.email, "wrong password"),
        "an invented account, many addresses": lambda: site.client().login(invented, "wrong password"),
        "a browser, many addresses": lambda: site.client().cookie_login(victim.email, "wrong password"),
        "the current password": lambda: plain.client.change(password=fresh_password(), current_password="wrong"),
        "reset links": lambda: site.client().ask("POST", "/auth/forgot-password", {"email": victim.email}),
        "verification links": lambda: site.client().ask("POST", "/auth/request-verify-token", {"email": victim.email}),
        "garbage links": lambda: site.client().ask(
            "POST", "/auth/reset-password", {"token": "x" * 43, "password": fresh_password()}
        ),
        "garbage refresh tokens": lambda: site.client().ask("POST", "/auth/refresh", {"refresh_token": "x" * 43}),
        "taken addresses": lambda: site.client().register(victim.email, fresh_password()),
        "no permission": lambda: plain.client.ask("GET", "/audit"),
    }
    for name, one in tries.items():
        time.sleep(0.5)
        before = site.row_count()
        with ThreadPoolExecutor(4) as crowd:
            for job in [crowd.submit(one) for _ in range(60)]:
                job.result()
        time.sleep(0.5)
        grown = settled(site) - before
        if grown > MOST:
            found[name] = f"60 tries left {grown} rows"
    none_broken(found)


@attack(20, alone=True)
def one_address_spraying_writes_no_rows_without_end(world: World) -> None:
    """A throttled address that tries a new account each time leaves a handful of rows"""
    site = world.production()
    client = site.client()
    for _ in range(40):  # until it is throttled
        client.login(fresh_email("invented"), "wrong password")
    time.sleep(0.5)
    before = site.row_count()
    told = [client.login(fresh_email("invented"), "wrong password").status_code for _ in range(150)]
    time.sleep(0.5)
    grown = settled(site) - before
    held(grown <= MOST, f"150 tries ({ {status: told.count(status) for status in set(told)} }) left {grown} rows")


def left_of(site: Site, words: list[str]) -> dict[str, str]:
    """Return the tables that contain one of the words."""
    found = {}
    for table in site.tables():
        for word in words:
            query = (
                f'select count(*), min(left(t::text, 300)) from "{table}" t where t::text ilike %s or t::text ilike %s'
            )
            [(count, text)] = site.rows(query, f"%{word}%", f"%{word.encode().hex()}%")
            if count:
                found[f"{table} {word}"] = f"{count} rows, such as {text}"
    return found


@attack(20, alone=True)
def an_erased_account_leaves_nothing_personal(world: World) -> None:
    """After an account is deleted no table holds its address, name, earlier addresses, device or network address"""
    site = world.production()
    word = secrets.token_hex(5)
    email, next_email = f"canary-{word}@people.example.com", f"moved-{word}@people.example.com"
    person = site.verified(email)
    person.client._http.headers["user-agent"] = f"Device{word}/1"
    person.client.login(email, person.password)
    person.client.change(name=f"Canary {word}")
    site.client().login(email, "wrong password")
    site.client().register(email, fresh_password())
    site.client().ask("POST", "/auth/forgot-password", {"email": email})
    person.client.change(email=next_email, current_password=person.password)
    site.client().ask("POST", "/auth/confirm-email", {"token": site.mailbox.token(next_email, "confirm")})
    person.client.login(next_email, person.password)
    address = person.client.address
    time.sleep(1.5)
    answer = site.superuser().client.ask("DELETE", f"/users/{person.id}")
    held(answer.status_code == 204, code(answer))
    deadline = time.monotonic() + 15
    while (left := left_of(site, [word, address])) and time.monotonic() < deadline:
        time.sleep(0.5)
    none_broken(left)
    dead = site.superuser().client.ask("GET", "/operations/dead-letters").json()["items"]
    held(not dead, f"dead letters: {dead}")
    redis = site.redis()
    kept = [key for key in redis.scan_iter() if word.encode() in key and redis.ttl(key) == -1]
    held(not kept, f"Redis keeps for ever: {kept}")


@attack(20, alone=True)
def two_erasures_at_once_keep_the_audit_provable(world: World) -> None:
    """Accounts that acted on each other are erased concurrently, and the audit's chain and counts stay valid"""
    site = world.production()
    boss = site.superuser()
    pairs = [(site.deputy(), site.deputy()) for _ in range(4)]
    for one, other in pairs:
        one.client.ask("PATCH", f"/users/{other.id}", {"name": "Changed"})
        other.client.ask("PATCH", f"/users/{one.id}", {"name": "Changed"})
        one.client.ask("POST", f"/users/{other.id}/revoke-sessions")
        other.client.login(other.email, other.password)
    time.sleep(2)
    with ThreadPoolExecutor(8) as crowd:
        list(
            crowd.map(
                lambda each: boss.client.ask("DELETE", f"/users/{each.id}"), [each for pair in pairs for each in pair]
            )
        )
    ids = [each.id for pair in pairs for each in pair]
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        time.sleep(1)
        if not left_of(site, [each.email for pair in pairs for each in pair]):
            break
    time.sleep(2)
    done = site.command("api.audit")
    held(done.returncode == 0, f"api.audit: {done.stdout[-300:]} {done.stderr[-300:]} after erasing {len(ids)}")


@attack(21, alone=True)
def redis_gives_hints_and_no_orders(world: World) -> None:
    """Every key of Redis replaced by another type or by garbage causes no 5xx and stops no mail"""
    site, found = world.alone(), {}
    boss = site.superuser().client
    redis = site.redis()
    person = site.verified()
    plain = site.client()
    plain.login(person.email, person.password)

    def exercise(name: str) -> None:
        someone, email = site.client(), fresh_email()
        answers = {
            "health": boss.ask("GET", "/health/full"),
            "health of a stranger": someone.ask("GET", "/health/full"),
            "ready": someone.ask("GET", "/health/ready"),
            "me": plain.ask("GET", "/users/me"),
            "register": someone.register(email, fresh_password()),
            "sign in": someone.login(person.email, person.password),
            "wrong": someone.login(person.email, "wrong password"),
            "refresh": plain.renew(),
            "forgot": someone.ask("POST", "/auth/forgot-password", {"email": email}),
            "outbox": boss.ask("GET", "/operations/outbox"),
        }
        found.update({f"{name}, {each}": code(answer) for each, answer in answers.items() if answer.status_code >= 500})
        if not site.mailbox.wait(email, seconds=15):
            found[f"{name}, mail"] = "none came within 15 s"

    for name, key, value in (
        ("lag is not JSON", "consumers:lag", "not json"),
        ("lag is other JSON", "consumers:lag", "[1, null]"),
        ("lag is a number", "consumers:lag", "7"),
        ("queue is text", "arq:queue", "garbage"),
    ):
        redis.delete(key)
        redis.set(key, value)
        exercise(name)
    redis.delete("arq:queue", "consumers:lag")
    redis.lpush("arq:queue", "garbage")
    redis.hset("consumers:lag", "a", "b")
    exercise("lists and hashes")
    for key in list(redis.scan_iter()):
        was = redis.type(key)
        redis.delete(key)
        if was == b"string":
            redis.lpush(key, "garbage")
        else:
            redis.set(key, "garbage")
    exercise("every key of another type")
    for key in list(redis.scan_iter()):
        redis.delete(key)
        redis.set(key, b"\xff\x00garbage")
    exercise("every key garbage")
    none_broken(found)
