"""Point 9: cookies are trimmed of blanks and tabs only, duplicates are refused, and all header lines are read; so are
lists."""

import json

from tests.attacks.attack import attack, held, none_broken
from tests.attacks.client import Client
from tests.attacks.raw import Answer, request
from tests.attacks.site import Site
from tests.attacks.world import World


def signed_in(site: Site) -> tuple[Client, str]:
    """A signed-in browser, and its address."""
    account = site.verified()
    browser = site.client()
    answer = browser.cookie_login(account.email, account.password)
    assert answer.status_code == 204, answer.text
    return browser, account.email


def ask(
    site: Site, cookies: list[bytes], method: str = "GET", path: str = "/api/users/me", body: bytes = b"", *more: bytes
) -> Answer:
    """Send a request with those Cookie lines, byte for byte."""
    lines = [b"Cookie: " + line for line in cookies] + list(more) + [b"Connection: close"]
    head = request(method, path, site.host, b"", *([f"Content-Length: {len(body)}"] if body else []))
    raw = head[:-2] + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body
    with site.wire() as wire:
        answers = wire.send(raw).read(5)
    assert answers, "no answer"
    return answers[0]


def whose(answer: Answer) -> str | None:
    """Return the user in an answer of /users/me, or None for a refusal."""
    told = json.loads(answer.body or b"null")
    return told["email"] if answer.status == 200 and told else None


@attack(9)
def no_byte_undoes_the_host_prefix(world: World) -> None:
    """A cookie of another subdomain with a name similar to __Host-access does not authenticate"""
    site = world.dev
    browser, _ = signed_in(site)
    value = browser.cookies["__Host-access"].encode()
    refresh = browser.cookies["__Host-refresh"].encode()
    before = [
        b"\xa0",
        b"\x85",
        b"\xc2\xa0",
        b"\xc2\x85",
        b"\xe2\x80\x83",
        b"\xe3\x80\x80",
        b"\xef\xbb\xbf",
        b"\x0b",
        b"\x0c",
        b"\x1c",
        b"\x1f",
        b"\x00",
        b"\x7f",
        b"\xe2\x80\x8b",
        b"=",
        b'"',
        b"$",
        b"\\",
        b"%20",
        b"a=b,",
        b"\xff",
        b"\xe1\x9a\x80",
    ]
    names = {f"{byte!r} before": byte + b"__Host-access" for byte in before}
    names |= {f"{byte!r} after": b"__Host-access" + byte for byte in before if byte != b"="}
    names |= {
        name.decode(): name
        for name in (
            b"__host-access",
            b"__HOST-ACCESS",
            b"__Host%2Daccess",
            b"__Host-access%20",
            b"access",
            b"__Secure-access",
        )
    }
    names |= {"full width": "__Host-\uff41ccess".encode(), "long s": "__Ho\u017ft-access".encode()}
    found = {}
    for name, raw in names.items():
        for line in (raw + b"=" + value, b"a=b; " + raw + b"=" + value, b"a=b;\t" + raw + b" = " + value):
            answer = ask(site, [line])
            if whose(answer):
                found[name] = f"signed in by {line[:40]!r}"
            if answer.status >= 500:
                found[name] = str(answer.status)
        renamed = raw.replace(b"access", b"refresh").replace(b"ACCESS", b"REFRESH")
        xsrf = browser.cookies["XSRF-TOKEN"].encode()
        answer = ask(
            site,
            [renamed + b"=" + refresh + b"; XSRF-TOKEN=" + xsrf],
            "POST",
            "/api/auth/refresh",
            b"",
            b"X-XSRF-TOKEN: " + xsrf,
            b"Content-Length: 0",
        )
        if answer.status == 200 and renamed != b"__Host-refresh":
            found[f"{name}, refresh"] = "refreshed"
    for value_before in (b"\xa0", b"\x85", b"\xe2\x80\x83", b'"'):
        answer = ask(site, [b"__Host-access=" + value_before + value])
        if whose(answer) and value_before != b'"':
            found[f"{value_before!r} before the value"] = "signed in"
    none_broken(found)


@attack(9)
def the_same_cookie_twice_is_refused(world: World) -> None:
    """Duplicate cookies, in one line or in two, are refused in any order"""
    site = world.dev
    mine, _ = signed_in(site)
    theirs, _ = signed_in(site)
    found = {}
    one, other = (f"__Host-access={each.cookies['__Host-access']}".encode() for each in (mine, theirs))
    for name, lines in {
        "one line": [one + b"; " + other],
        "two lines": [one, other],
        "the other way": [other, one],
        "with an empty one": [one + b"; __Host-access="],
        "with an empty one before": [b"__Host-access=; " + one],
        "without a value": [b"__Host-access; " + other],
        "the same value": [one + b"; " + one],
    }.items():
        if whose(answer := ask(site, lines)) and name != "without a value":
            found[name] = f"signed in as {whose(answer)}"
    planted = theirs.cookies["__Host-refresh"]
    pairs = "; ".join(f"{name}={value}" for name, value in mine.cookies.items())
    for token in (mine.cookies["XSRF-TOKEN"], theirs.cookies["XSRF-TOKEN"]):
        for line in (f"__Host-refresh={planted}; {pairs}", f"{pairs}; __Host-refresh={planted}"):
            xsrf = f"X-XSRF-TOKEN: {token}".encode()
            answer = ask(site, [line.encode()], "POST", "/api/auth/refresh", b"", xsrf, b"Content-Length: 0")
            if answer.status == 200:
                found["__Host-refresh twice"] = "refreshed"
    none_broken(found)


@attack(9)
def cookies_of_every_line_are_read(world: World) -> None:
    """Cookies in two or three lines (HTTP/2 splits them) are all read, in any order, and blanks and tabs are trimmed"""
    site, found = world.dev, {}
    browser, email = signed_in(site)
    pairs = [f"{name}={value}".encode() for name, value in browser.cookies.items()]
    xsrf = f"X-XSRF-TOKEN: {browser.cookies['XSRF-TOKEN']}".encode()
    for name, lines in {
        "a line each": pairs,
        "a line each, backwards": pairs[::-1],
        "others last": [b"; ".join(pairs), b"theme=dark"],
        "others first": [b"theme=dark", b"; ".join(pairs)],
        "no blanks": [b";".join(pairs)],
        "tabs": [b"\t;\t".join(pairs)],
        "raw bytes in another": [b"name=\xe9\xa0; " + b"; ".join(pairs)],
    }.items():
        if whose(answer := ask(site, lines)) != email:
            found[name] = f"{answer.status} {answer.body[:60]!r}"
        body = b'{"name":"Ada"}'
        answer = ask(site, lines, "PATCH", "/api/users/me", body, xsrf, b"Content-Type: application/json")
        if answer.status != 200:
            found[f"{name}, PATCH"] = str(answer.status)
    none_broken(found)


@attack(9)
def a_list_in_two_lines_is_one_list(world: World) -> None:
    """If-Match and If-None-Match in several lines are read as one list"""
    site, found = world.dev, {}
    account = site.verified()
    bearer = f"Authorization: Bearer {account.client.access}".encode()
    json_type, stale = b"Content-Type: application/json", b'If-Match: "stale"'

    def etag() -> bytes:
        return account.client.ask("GET", "/users/me").headers["etag"].encode()

    for name, wanted in (("stale, current", 200), ("current, stale", 200), ("stale, stale", 412), ("one line", 200)):
        current = b"If-Match: " + etag()
        lines = {
            "stale, current": [stale, current],
            "current, stale": [current, stale],
            "stale, stale": [stale, b'If-Match: "other"'],
            "one line": [b'If-Match: "stale", ' + etag()],
        }[name]
        answer = ask(site, [], "PATCH", "/api/users/me", f'{{"name":"{name} x"}}'.encode(), bearer, json_type, *lines)
        if answer.status != wanted:
            found[f"If-Match {name}"] = f"{answer.status}, not {wanted}"
    for name, order in (("current first", 1), ("current last", -1)):
        fields = [b"If-None-Match: " + etag(), b'If-None-Match: "other"'][::order]
        answer = ask(site, [], "GET", "/api/users/me", b"", bearer, *fields)
        if answer.status != 304:
            found[f"If-None-Match {name}"] = f"{answer.status}, not 304"
    twice = ask(site, [], "GET", "/api/users/me", b"", bearer, b"Authorization: Bearer x")
    other = ask(site, [], "GET", "/api/users/me", b"", b"Authorization: Bearer x", bearer)
    if 200 in (twice.status, other.status):
        found["Authorization twice"] = f"{twice.status}, {other.status}"
    none_broken(found)


@attack(9)
def a_forged_page_changes_nothing(world: World) -> None:
    """With cookies alone, another origin's page or a planted XSRF pair changes nothing"""
    site, found = world.dev, {}
    browser, _ = signed_in(site)
    planted = {**browser.cookies, "XSRF-TOKEN": "planted"}
    line = "; ".join(f"{name}={value}" for name, value in browser.cookies.items()).encode()
    false = "; ".join(f"{name}={value}" for name, value in planted.items()).encode()
    xsrf = f"X-XSRF-TOKEN: {browser.cookies['XSRF-TOKEN']}".encode()
    body, json_type = b'{"name":"Mallory"}', b"Content-Type: application/json"
    for name, cookie, more in (
        ("no token", line, ()),
        ("planted pair", false, (b"X-XSRF-TOKEN: planted",)),
        ("evil origin", line, (xsrf, b"Origin: https://evil.example")),
        ("null origin", line, (xsrf, b"Origin: null")),
        ("suffix", line, (xsrf, f"Origin: {site.origin}.evil.example".encode())),
        ("cross-site", line, (xsrf, b"Sec-Fetch-Site: cross-site")),
        ("same-site", line, (xsrf, b"Sec-Fetch-Site: same-site", b"Origin: https://evil.example")),
        ("two origins", line, (xsrf, b"Origin: https://evil.example", f"Origin: {site.origin}".encode())),
        ("two origins, backwards", line, (xsrf, f"Origin: {site.origin}".encode(), b"Origin: https://evil.example")),
    ):
        answer = ask(site, [cookie], "PATCH", "/api/users/me", body, json_type, *more)
        if answer.status < 400:
            found[name] = str(answer.status)
    none_broken(found)
    held(browser.me(), "the browser itself is signed out")
