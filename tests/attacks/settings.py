"""Points 21 to 23: tracing, listening addresses, the Host allow-list, the API page, If-Match, and PUBLIC_URL's port."""

import re
import secrets
import time

from tests.attacks.addresses import odd
from tests.attacks.attack import attack, held, none_broken
from tests.attacks.client import code
from tests.attacks.raw import request
from tests.attacks.site import Site
from tests.attacks.world import HOST, World


@attack(21)
def nobody_outside_switches_tracing_off(world: World) -> None:
    """A traceparent without the sampled flag is continued and sampled"""
    site, found = odd(world), {}
    ids = {}
    for flags in ("00", "01", "02"):
        trace = ids[flags] = secrets.token_hex(16)
        field = f"00-{trace}-{secrets.token_hex(8)}-{flags}"
        answer = site.client(direct=True).ask("GET", "/.well-known/jwks.json", headers={"traceparent": field})
        held(answer.status_code == 200, code(answer))
        if answer.headers["x-trace-id"] != trace:
            found[flags] = "the trace was not continued"
    own = site.client(direct=True).ask("GET", "/.well-known/jwks.json").headers["x-trace-id"]
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and not all(world.collector.has(each) for each in (*ids.values(), own)):
        time.sleep(0.2)
    held(world.collector.has(own), "no span comes at all")
    found |= {
        flags: f"flags {flags}: no span was exported" for flags, each in ids.items() if not world.collector.has(each)
    }
    none_broken(found)


@attack(22)
def development_listens_on_loopback_only(world: World) -> None:
    """`make run`, web and every service, listens on 127.0.0.1 and ::1 only"""
    found = {}
    for process in world.parts():
        for each in process.net_connections(kind="inet"):
            if each.status == "LISTEN" and each.laddr.ip not in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
                found[f"{' '.join(process.cmdline())[-60:]}"] = f"listens on {each.laddr.ip}:{each.laddr.port}"
    none_broken(found)


def status(site: Site, path: str, host: str, *lines: str, direct: bool = True, target: str = "") -> int:
    with site.wire(direct=direct) as wire:
        answers = wire.send(request("GET", target or path, host, b"", *lines, "Connection: close")).read(5)
    return answers[0].status if answers else 0


@attack(22)
def only_our_own_host_is_answered(world: World) -> None:
    """Another Host, also through nginx or in an absolute target, is refused except for health"""
    found = {}
    strange = [
        "evil.example",
        "evil.example:80",
        f"{HOST}.evil.example",
        f"evil-{HOST}",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "169.254.169.254",
        "[::ffff:1.2.3.4]",
        "xn--pp-example-1fb.com",
    ]
    for where, site in {"development": world.dev, "production": world.production()}.items():
        port = f":{site.direct}" if where == "development" else ""
        for path in ("/api/users/me", "/", "/api/auth/jwt/login", "/api/nowhere", "/api/openapi.json"):
            for host in strange:
                told = status(site, path, host + port)
                if told < 400 or (path in ("/api/users/me",) and told == 401):
                    found[f"{where} {path} {host}"] = str(told)
        told = status(site, "", site.host, target=f"http://evil.example{port}/api/users/me")
        if told == 401 or told < 400:
            found[f"{where} absolute target"] = str(told)
        for lines in (("X-Forwarded-Host: evil.example",), ("Forwarded: host=evil.example",)):
            if (told := status(site, "/api/users/me", site.host, *lines)) != 401:
                found[f"{where} {lines[0]}"] = f"{told}: it should not matter"
            if (told := status(site, "/api/users/me", "evil.example", "X-Forwarded-Host: " + site.host)) == 401:
                found[f"{where} {lines[0]} as an excuse"] = str(told)
        for path in ("/api/health", "/api/health/live", "/api/health/ready"):
            if (told := status(site, path, "10.1.2.3:8000")) != 200:
                found[f"{where} {path} by another name"] = f"{told}: a router asks it so"
        if (told := status(site, "/api/users/me", site.host)) != 401:
            found[f"{where} our own"] = str(told)
    site = world.dev
    for host in ("127.0.0.1", "[::1]", "localhost", "app.localhost", "LOCALHOST"):
        if (told := status(site, "/api/users/me", f"{host}:{site.direct}")) != 401:
            found[f"development {host}"] = str(told)
    site = world.production()
    if site.behind_nginx and (told := status(site, "/api/users/me", "evil.example", direct=False)) in (200, 401):
        found["through nginx"] = str(told)
    none_broken(found)


@attack(22)
def the_api_page_is_a_setting(world: World) -> None:
    """A setting closes /api/docs, its files and the OpenAPI document"""
    held(world.docs_off, ".env.example names no setting with DOCS or OPENAPI in it")
    site, found = odd(world), {}
    for path in (
        "/docs",
        "/docs/",
        "/openapi.json",
        "/docs/docs.js",
        "/docs/index.html",
        "/docs.js",
        "//docs",
        "/./docs",
        "/%64ocs",
    ):
        answer = site.client(direct=True).ask("GET", path)
        if answer.status_code < 400:
            found[path] = str(answer.status_code)
    none_broken(found)


@attack(23)
def what_takes_if_match_on_patch_takes_it_on_delete(world: World) -> None:
    """A DELETE with a stale If-Match is refused with 412 and deletes nothing; with a fresh one it deletes"""
    site, found = world.dev, {}
    boss = site.superuser().client
    for name in ("administrator's", "own"):
        person = site.verified()
        client = boss if name == "administrator's" else person.client
        path = f"/users/{person.id}" if name == "administrator's" else "/users/me"
        body = None if name == "administrator's" else {"current_password": person.password}
        old = client.ask("GET", path).headers["etag"]
        person.client.change(name="Changed")
        for field in (old, '"stale"', f"W/{old}", f'{old}, "other"', ""):
            answer = client.ask("DELETE", path, body, headers={"if-match": field})
            if answer.status_code != 412 and not (field == "" and answer.status_code in (400, 422)):
                found[f"{name} {field[:12]}"] = code(answer)
                break
        else:
            if not person.client.me():
                found[f"{name} refused"] = "and yet the account is gone"
            fresh = client.ask("GET", path).headers["etag"]
            answer = client.ask("DELETE", path, body, headers={"if-match": fresh})
            if answer.status_code not in (202, 204):
                found[f"{name} fresh"] = code(answer)
    none_broken(found)


@attack(23)
def a_port_in_public_url_is_the_same_origin(world: World) -> None:
    """With PUBLIC_URL=https://app.example.com:443 a browser at https://app.example.com can sign in and make changes"""
    site, found = odd(world), {}
    person = site.verified()
    browser = site.client(direct=True)
    answer = browser.cookie_login(
        person.email, person.password, origin="https://app.example.com", sec_fetch_site="same-origin"
    )
    held(answer.status_code == 204, code(answer))
    answer = browser.ask("PATCH", "/users/me", {"name": "Ada"}, headers={"origin": "https://app.example.com"})
    held(answer.status_code == 200, f"PATCH: {code(answer)}")
    for origin in (
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://app.example.com.evil",
        "https://evil.example",
        "null",
    ):
        answer = browser.ask("PATCH", "/users/me", {"name": "Eve"}, headers={"origin": origin})
        if answer.status_code != 403:
            found[origin] = code(answer)
    none_broken(found)


@attack(23)
def a_wrong_origin_is_called_so(world: World) -> None:
    """A wrong Origin returns ORIGIN_NOT_ALLOWED and names PUBLIC_URL and ALLOWED_ORIGINS, on every cookie route"""
    site, found = world.production(), {}
    person, browser = site.verified(), site.client()
    browser.cookie_login(person.email, person.password)
    for origin in ("https://evil.example", "null", "http://app.example.com"):
        answers = {
            "sign in": site.client().cookie_login(person.email, person.password, origin=origin),
            "refresh": browser.ask("POST", "/auth/refresh", headers={"origin": origin}),
            "PATCH": browser.ask("PATCH", "/users/me", {"name": "Eve"}, headers={"origin": origin}),
            "end sessions": browser.ask("DELETE", "/sessions", headers={"origin": origin}),
            "sign out": browser.ask("POST", "/auth/cookie/logout", headers={"origin": origin}),
        }
        for name, answer in answers.items():
            detail = answer.json().get("detail", "") if answer.content else ""
            if code(answer) != "403 ORIGIN_NOT_ALLOWED" or not re.search(
                "PUBLIC_URL.*ALLOWED_ORIGINS", detail, re.DOTALL
            ):
                found[f"{name} from {origin}"] = f"{code(answer)} {detail[:80]}"
    none_broken(found)
    held(browser.me(), "the browser was signed out")
