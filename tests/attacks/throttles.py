"""Points 13 to 16: the subject and the time of limits."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

from tests.attacks.attack import attack, held, none_broken
from tests.attacks.client import Account, Client, code, fresh_email, fresh_password
from tests.attacks.site import Site
from tests.attacks.world import World


def statuses(client: Client, count: int, method: str, path: str, **more: object) -> list[int]:
    return [client.ask(method, path, **more).status_code for _ in range(count)]  # type: ignore[arg-type]


@attack(13)
def failures_before_authentication_are_counted(world: World) -> None:
    """Garbage tokens, ended sessions, refused permissions and unknown paths are limited by address"""
    site, found = world.production(), {}
    plain = site.verified()
    ended = site.verified()
    token = ended.client.access
    ended.client.ask("POST", "/auth/jwt/logout")
    forged = token[:-4] + "AAAA"
    mine = f"Bearer {plain.client.access}"
    tries: dict[str, tuple[int, str, str, dict[str, str]]] = {
        "garbage tokens": (300, "GET", "/users/me", {"authorization": "Bearer garbage"}),
        "forged tokens": (300, "GET", "/users/me", {"authorization": f"Bearer {forged}"}),
        "no tokens": (300, "GET", "/users/me", {}),
        "ended sessions": (400, "GET", "/users/me", {"authorization": f"Bearer {token}"}),
        "garbage cookies": (300, "GET", "/users/me", {"cookie": "__Host-access=garbage"}),
        "ended cookies": (300, "GET", "/users/me", {"cookie": f"__Host-access={token}"}),
        "a change without a token": (300, "PATCH", "/users/me", {"content-type": "application/json"}),
        "signing out with garbage": (300, "POST", "/auth/jwt/logout", {"authorization": "Bearer garbage"}),
        "no permission": (250, "GET", "/users", {"authorization": mine}),
        "no permission elsewhere": (250, "GET", "/audit", {"authorization": mine}),
        "forged XSRF": (
            300,
            "DELETE",
            "/sessions",
            {"cookie": f"__Host-access={mine[7:]}; XSRF-TOKEN=x", "x-xsrf-token": "x"},
        ),
    }

    def one(name: str) -> tuple[str, list[int]]:
        count, method, path, headers = tries[name]
        return name, statuses(site.client(), count, method, path, headers=headers)

    with ThreadPoolExecutor(4) as crowd:
        for name, told in crowd.map(one, tries):
            if 429 not in told:
                found[name] = f"{len(told)} × {told[-1]} and no 429"
            if any(status >= 500 for status in told):
                found[name + " errors"] = str({status: told.count(status) for status in set(told)})
    none_broken(found)


@attack(13)
def a_garbage_sender_does_not_shut_out_a_neighbour(world: World) -> None:
    """Authenticated callers are served although others at the address send garbage"""
    site = world.production()
    person = site.verified()
    [address] = site.neighbours(1)
    statuses(site.client(address), 150, "GET", "/users/me", headers={"authorization": "Bearer garbage"})
    neighbour = site.client(address)
    neighbour.access = person.client.access
    told = statuses(neighbour, 5, "GET", "/users/me")
    held(told == [200] * 5, f"a valid token from the same address: {told}")


@attack(13)
def strangers_learn_only_the_status(world: World) -> None:
    """/health/full shows other callers only the status, superusers everything, and is cheap"""
    found = {}
    for where, site in {"development": world.dev, "production": world.production()}.items():
        plain = site.verified()
        for who, client in (("stranger", site.client()), ("plain user", plain.client)):
            answer = client.ask("GET", "/health/full")
            if answer.status_code == 200 and (
                more := set(answer.json()) - {"status", "timestamp", "version", "environment"}
            ):
                found[f"{where} {who}"] = f"sees {sorted(more)}"
        answer = site.superuser().client.ask("GET", "/health/full")
        if answer.status_code != 200 or len(answer.json()) < 3:
            found[f"{where} superuser"] = f"{code(answer)} {answer.text[:80]}"
    site = world.dev
    client = site.client()
    times = {}
    for path in ("/health/live", "/health/full"):
        client.ask("GET", path)
        best = []
        for _ in range(3):
            began = time.perf_counter()
            statuses(client, 40, "GET", path)
            best.append(time.perf_counter() - began)
        times[path] = min(best)
    if times["/health/full"] > 3 * times["/health/live"]:
        found["cost"] = f"/health/full costs {times['/health/full'] / times['/health/live']:.1f} times /health/live"
    none_broken(found)


def device(site: Site, address: str) -> tuple[Account, Client]:
    """Return an account and a known device at that address, signed out."""
    person = site.verified()
    known = site.client(address)
    answer = known.cookie_login(person.email, person.password)
    assert answer.status_code == 204, answer.text
    known.cookies = {name: value for name, value in known.cookies.items() if name == "__Host-device"}
    assert known.cookies, "no device cookie"
    return person, known


@attack(14)
def a_noisy_neighbour_does_not_shut_known_devices_out(world: World) -> None:
    """After guesses at invented addresses from one /24, its known devices sign in with the right password"""
    site, found = world.production(), {}
    addresses = site.neighbours(6)
    known = [device(site, address) for address in addresses[:3]]
    guesses = []
    for address in addresses[3:]:
        client = site.client(address)
        guesses += [client.login(fresh_email("invented"), "wrong password").status_code for _ in range(19)]
    held(429 in guesses, f"57 guesses from one network are free: {set(guesses)}")
    for number, (person, client) in enumerate(known):
        answer = client.cookie_login(person.email, person.password)
        if answer.status_code != 204:
            found[f"device {number}, cookie"] = code(answer)
        answer = client.ask("POST", "/auth/jwt/login", form={"username": person.email, "password": person.password})
        if answer.status_code != 200:
            found[f"device {number}, bearer"] = code(answer)
    none_broken(found)


@attack(14)
def a_noisy_roommate_does_not_shut_known_devices_out(world: World) -> None:
    """The same with guesses from the known device's own address"""
    site = world.production()
    [address] = site.neighbours(1)
    person, known = device(site, address)
    client = site.client(address)
    guesses = [client.login(fresh_email("invented"), "wrong password").status_code for _ in range(45)]
    held(429 in guesses, "45 guesses are free")
    answer = known.cookie_login(person.email, person.password)
    held(answer.status_code == 204, f"the known device, with the right password: {code(answer)}")


@attack(14)
def a_device_cookie_opens_no_other_account(world: World) -> None:
    """Garbage, forged and others' device cookies allow no additional guesses; a known device has few of its own"""
    site, found = world.production(), {}
    [home] = site.neighbours(1)
    victim, _ = device(site, home)
    thief, own = device(site, site.neighbours(1)[0])

    def guess(cookie: str) -> int:
        client = site.client()
        client.cookies = {"__Host-device": cookie} if cookie else {}
        return client.login(victim.email, "wrong password").status_code

    told = [guess(f"garbage{number}" if number % 2 else own.cookies["__Host-device"]) for number in range(12)]
    if told.count(400) > 6:
        found["others' cookies"] = str(told)
    victim, known = device(site, site.neighbours(1)[0])
    cookie = known.cookies["__Host-device"]
    told = [guess(cookie) for _ in range(25)]
    if told.count(400) > 16:
        found["a stolen cookie"] = f"{told.count(400)} of 25 guesses"
    none_broken(found)
    assert thief.email


def crowd_at(site: Site, count: int) -> list[Account]:
    """Return signed-in users at one address, verified or not."""
    people = []
    with ThreadPoolExecutor(4) as crowd:
        people = list(crowd.map(lambda _: site.unverified(), range(count)))
    [address] = site.neighbours(1)
    for person in people:
        moved = site.client(address)
        moved.access, moved.refresh = person.client.access, person.client.refresh
        assert moved.access
        person.client = moved
    return people


@attack(15)
def people_behind_one_address_are_counted_apart(world: World) -> None:
    """25 users at one address refresh and read as often as each may alone; an invalid token counts as anonymous"""
    site, found = world.production(), {}
    people = crowd_at(site, 25)
    told = [person.client.renew().status_code for _ in range(5) for person in people]
    if told.count(200) != len(told):
        found["refreshing"] = str({status: told.count(status) for status in set(told)})
    reader = people[0].client
    reader.renew()
    told = statuses(reader, 130, "GET", "/.well-known/jwks.json")
    if 429 in told:
        found["public reads with a token"] = f"{told.count(429)} of 130 were refused"
    answer = people[1].client.ask("GET", "/users/me")
    if answer.status_code != 200:
        found["a person's own account"] = code(answer)
    for name, headers in {
        "no token": {},
        "garbage": {"authorization": "Bearer garbage"},
        "cookie": {"cookie": "__Host-access=garbage"},
    }.items():
        told = statuses(site.client(), 130, "GET", "/.well-known/jwks.json", headers=headers)
        if 429 not in told:
            found[f"public reads with {name}"] = "130 reads and no 429"
    none_broken(found)


@attack(15)
def development_has_limits(world: World) -> None:
    """`make run` has limits, high ones, and logs them at start"""
    answer = world.dev.client().ask("GET", "/.well-known/jwks.json")
    held("ratelimit" in answer.headers, "no RateLimit field in development")
    limit = int(answer.headers.get("x-ratelimit-limit", "0"))
    held(limit >= 1000, f"the limit is {limit}")
    held(re.search(r"(?i)limit", world.banner()), "the banner says nothing of limits")


@attack(16, alone=True)
def one_address_does_not_starve_everybodys_sign_in(world: World) -> None:
    """80 concurrent hashes of accounts at one address do not block the sign-in of others"""
    site, found = world.production(), {}
    people = crowd_at(site, 80)
    others = [site.unverified() for _ in range(10)]
    over = time.monotonic() + 4

    def hash_on(person: Account) -> list[int]:
        told: list[int] = []
        person.client.patient = False
        while time.monotonic() < over:
            body = {"current_password": "wrong password", "new_password": fresh_password()}
            told.append(person.client.ask("POST", "/users/change-password", body).status_code)
            told.append(person.client.change(password=fresh_password(), current_password="wrong").status_code)
        return told

    with ThreadPoolExecutor(80) as crowd:
        jobs = [crowd.submit(hash_on, person) for person in people]
        time.sleep(0.3)
        for number, person in enumerate(others):
            began = time.monotonic()
            client = site.client()
            client.patient = False
            answer = client.login(person.email, person.password)
            took = time.monotonic() - began
            if answer.status_code != 200:
                found[f"sign-in {number}"] = f"{code(answer)} after {took:.1f} s"
        told = [status for job in jobs for status in job.result()]
    counts = {status: told.count(status) for status in set(told)}
    held(not found, f"{len(found)} of 10 were refused: {list(found.values())[:3]}; the others got {counts}")
