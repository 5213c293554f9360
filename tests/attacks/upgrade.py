"""Point 1: a body is framed by Content-Length or chunks, regardless of an offered protocol."""

import json
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor

from tests.attacks.attack import attack, none_broken
from tests.attacks.client import fresh_email
from tests.attacks.raw import Answer, Wire, chunked, request
from tests.attacks.site import Site
from tests.attacks.world import World

OFFERS = {
    "websocket": ["Connection: Upgrade", "Upgrade: websocket"],
    "websocket handshake": [
        "Connection: keep-alive, Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ],
    "h2c": [
        "Connection: Upgrade, HTTP2-Settings",
        "Upgrade: h2c",
        "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
    ],
    "several": ["connection: close-not, upgrade", "UPGRADE: TLS/1.0, HTTP/2.0, websocket"],
    "two lines": ["Connection: keep-alive", "Connection: upgrade", "Upgrade: foo", "Upgrade: websocket"],
}


def sites(world: World) -> dict[str, Site]:
    return {"development": world.dev, "production": world.production()}


def smuggled(site: Site) -> tuple[bytes, str]:
    """Return a request to hide in a body, and the word that identifies an answer to it."""
    word = "smuggled" + secrets.token_hex(6)
    return request("GET", f"/api/{word}", site.host), word


def judge(answers: list[Answer], word: str, wanted: int, ended: bool) -> str | None:
    """Return faults in the answers to a request with a hidden one and to other requests after it."""
    if any(word.encode() in answer.body for answer in answers):
        return f"the body was answered as a request: {[answer.status for answer in answers]}"
    if len(answers) > wanted:
        return f"{len(answers)} answers to {wanted} requests"
    if len(answers) < wanted and not (ended and answers and answers[0].status >= 400):
        return f"{len(answers)} answers to {wanted} requests, connection {'ended' if ended else 'open'}"
    return None


@attack(1)
def a_body_beside_an_upgrade_is_a_body(world: World) -> None:
    """A request hidden in a body is never parsed as one, for all segmentations and offered protocols"""
    found: dict[str, str] = {}
    for where, site in sites(world).items():
        for offer, lines in OFFERS.items():
            for method, path in (
                ("POST", "/api/auth/verify"),
                ("POST", "/api/auth/jwt/login"),
                ("PATCH", "/api/users/me"),
                ("GET", "/api/health"),
                ("DELETE", "/api/sessions"),
                ("POST", "/api/nowhere"),
                ("POST", "/"),
            ):
                hidden, word = smuggled(site)
                whole = request(method, path, site.host, hidden, *lines, "Content-Type: application/json")
                head, body = whole[: -len(hidden)], hidden
                framed = request(method, path, site.host, b"", *lines, "Transfer-Encoding: chunked")
                ways = {
                    "head, body": (head, body),
                    "one segment": (whole,),
                    "in pieces": (head[:-2], head[-2:], body[:10], body[10:]),
                    "chunked": (framed, chunked(hidden)),
                    "chunked whole": (framed + chunked(hidden, 100),),
                }
                if path != "/api/auth/verify":
                    ways = {way: ways[way] for way in ("head, body", "chunked")}
                for way, segments in ways.items():
                    with site.wire() as wire:
                        wire.send(*segments, pause=0.03)
                        wire.read(3, until=1)
                        wire.send(request("GET", "/api/health/live", site.host, b"", "Connection: close"))
                        problem = judge(wire.read(1.5), word, 2, wire.ended)
                    if problem:
                        found[f"{where} {method} {path} {offer}, {way}"] = problem
                if len(found) > 5:
                    none_broken(found)
    none_broken(found)


@attack(1)
def requests_after_an_upgrade_are_answered(world: World) -> None:
    """A clear-text POST that offers h2c (Java's HttpClient) works, and so do requests pipelined behind it"""
    found = {}
    for where, site in sites(world).items():
        for offer, lines in OFFERS.items():
            body = json.dumps({"email": fresh_email()}).encode()
            for way in ("length", "chunked"):
                extra = ["Transfer-Encoding: chunked"] if way == "chunked" else [f"Content-Length: {len(body)}"]
                head = request(
                    "POST",
                    "/api/auth/forgot-password",
                    site.host,
                    b"",
                    "Content-Type: application/json",
                    *extra,
                    *lines,
                )
                sent = chunked(body) if way == "chunked" else body
                last = request("GET", "/api/health/live", site.host, b"", "Connection: close")
                for segments in (
                    (head + sent + last,),
                    (head, sent, last),
                    (head, sent + last),
                    (head + sent[:5], sent[5:] + last),
                ):
                    with site.wire() as wire:
                        statuses = [answer.status for answer in wire.send(*segments).read(2, until=2)]
                    if statuses != [202, 200]:
                        found[f"{where} {offer} {way} in {len(segments)}"] = str(statuses)
                    if len(found) > 5:
                        none_broken(found)
    none_broken(found)


@attack(1)
def connect_and_its_like_hide_nothing(world: World) -> None:
    """CONNECT, PRI, HTTP/1.0 with Upgrade, Expect: the bytes after the first request are never parsed as a second"""
    found = {}
    for where, site in sites(world).items():
        hidden, word = smuggled(site)
        long = f"Content-Length: {len(hidden)}"
        tries = {
            "CONNECT": request(
                "CONNECT", f"{site.host}:443" if ":" not in site.host else site.host, site.host, b"", long
            ),
            "CONNECT path": request("CONNECT", "/api/auth/verify", site.host, b"", long),
            "PRI": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "HTTP/1.0": request("POST", "/api/auth/verify", site.host, b"", *OFFERS["websocket"], long).replace(
                b"HTTP/1.1", b"HTTP/1.0"
            ),
            "expect": request("POST", "/api/auth/verify", site.host, b"", *OFFERS["h2c"], long, "Expect: 100-continue"),
            "get": request("GET", "/api/users/me", site.host, b"", *OFFERS["websocket"], long),
            "head": request("HEAD", "/api/health", site.host, b"", *OFFERS["websocket"], long),
            "options": request(
                "OPTIONS",
                "/api/users/me",
                site.host,
                b"",
                *OFFERS["websocket"],
                long,
                "Origin: http://localhost:4200",
                "Access-Control-Request-Method: PATCH",
            ),
        }
        for name, head in tries.items():
            with site.wire() as wire:
                if name == "head":  # its answer has a length and no body
                    wire.send(head, hidden).read(1)
                    if wire.data.count(b"HTTP/1.1 ") > 1:
                        found[f"{where} {name}"] = "the body was answered as a request"
                    continue
                problem = judge(wire.send(head, hidden).read(1), word, 1, True)
            if problem and "answered as" in problem:
                found[f"{where} {name}"] = problem
    none_broken(found)


@attack(1)
def no_request_ends_in_two_places(world: World) -> None:
    """Two lengths, odd encodings and odd line ends are refused, and the following bytes are not parsed as a request"""
    found = {}
    for where, site in sites(world).items():
        hidden, word = smuggled(site)
        length = len(hidden)
        heads = {
            "both": f"Content-Length: {length}\r\nTransfer-Encoding: chunked",
            "both the other way": f"Transfer-Encoding: chunked\r\nContent-Length: {length}",
            "two lengths": f"Content-Length: {length}\r\nContent-Length: 0",
            "list": f"Content-Length: {length}, 0",
            "plus": f"Content-Length: +{length}",
            "hex": "Content-Length: 0x0",
            "negative": "Content-Length: -1",
            "underscore": "Content-Length: 1_0",
            "huge": "Content-Length: 18446744073709551617",
            "xchunked": "Transfer-Encoding: xchunked",
            "identity last": "Transfer-Encoding: chunked, identity",
            "twice chunked": "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "gzip": "Transfer-Encoding: gzip, chunked",
            "tab": "Transfer-Encoding:\x0bchunked",
            "space before colon": f"Content-Length : {length}",
            "te space before colon": "Transfer-Encoding : chunked",
            "folded": "X: y\r\n Transfer-Encoding: chunked",
            "quoted": 'Transfer-Encoding: "chunked"',
            "bare LF": f"X: y\nContent-Length: {length}",
            "bare CR": f"X: y\rContent-Length: {length}",
            "NUL": f"X: y\x00\r\nContent-Length: {length}",
        }
        for name, line in heads.items():
            head = f"POST /api/auth/verify HTTP/1.1\r\nHost: {site.host}\r\n{line}\r\n\r\n".encode("latin-1")
            with site.wire() as wire:
                answers = wire.send(head + b"0\r\n\r\n" + hidden).read(0.6)
            if any(word.encode() in answer.body for answer in answers):
                found[f"{where} {name}"] = str([answer.status for answer in answers])
        chunks = {
            "size with sign": b"+5\r\nhello\r\n0\r\n\r\n",
            "size in 0x": b"0x5\r\nhello\r\n0\r\n\r\n",
            "size too long": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
            "no CRLF after": b"5\r\nhelloX0\r\n\r\n",
            "bare LF": b"5\nhello\n0\n\n",
            "extension with LF": b"5;a\nb\r\nhello\r\n0\r\n\r\n",
            "negative": b"-1\r\nhello\r\n0\r\n\r\n",
        }
        for name, sent in chunks.items():
            head = request("POST", "/api/auth/verify", site.host, b"", "Transfer-Encoding: chunked")
            with site.wire() as wire:
                answers = wire.send(head, sent + hidden, pause=0.02).read(0.6)
            if any(word.encode() in answer.body for answer in answers):
                found[f"{where} chunk {name}"] = str([answer.status for answer in answers])
    none_broken(found)


@attack(1)
def another_client_of_nginx_never_gets_the_answer(world: World) -> None:
    """Through nginx with WebSocket lines and keep-alive, no client gets the answer to another's hidden request"""
    site = world.production()
    site.needs_nginx()
    # Signing in takes a moment, so its answer is sent after the connection was given to the next client.
    form = f"username={fresh_email()}&password=wrong".encode()
    lines = ("Content-Type: application/x-www-form-urlencoded",)
    foreign: list[str] = []
    over = threading.Event()

    def victim(number: int) -> None:
        with Wire(site.port) as wire:
            turn = 0
            while not over.is_set():
                turn += 1
                wire.data = b""
                address = f"12.{100 + turn // 20000}.{turn // 80}.{number}"
                wire.send(request("GET", f"/api/victim{number}", site.host, b"", f"X-Attack-From: {address}"))
                answers = wire.read(4, until=1)
                if not answers and wire.ended:  # nginx ends a connection after a thousand requests
                    return
                if not answers:
                    foreign.append("a victim was not answered")
                elif answers[0].status not in (404, 429) or f"victim{number}".encode() not in answers[0].body:
                    foreign.append(f"a victim was answered {answers[0].status} {answers[0].body[:400]!r}")
                if wire.ended:
                    return

    def attacker(number: int) -> None:
        for turn in range(4):
            for offer in list(OFFERS.values())[:3]:
                # Blank lines before a request are skipped, so the hidden one is found at any segment boundary.
                one = request(
                    "POST", "/api/auth/jwt/login", site.host, form, *lines, f"X-Forwarded-For: 13.{turn}.1.{number}"
                )
                hidden = b"\r\n" * (10_000, 25_000, 31_000, 60_000)[turn] + one
                for port in (site.port, site.streaming):
                    with Wire(port) as wire:
                        told = [*offer, f"X-Attack-From: 12.{turn}.1.{number}", "Content-Type: application/json"]
                        head = request(
                            "POST", "/api/auth/verify", site.host, b"", *told, f"Content-Length: {len(hidden)}"
                        )
                        answers = wire.send(head + hidden).read(0.3, until=2)
                        if len(answers) > 1 or b"jwt/login" in wire.data:
                            foreign.append(f"the attacker was answered {[answer.status for answer in answers]}")

    with ThreadPoolExecutor(8) as crowd:
        jobs = [crowd.submit(victim, number) for number in range(1, 5)]
        jobs += [crowd.submit(attacker, number) for number in range(1, 5)]
        for job in jobs[4:]:
            job.result()
        over.set()
        for job in jobs[:4]:
            job.result()
    none_broken({str(number): evidence for number, evidence in enumerate(sorted(set(foreign)))})
