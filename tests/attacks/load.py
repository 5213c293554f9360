"""Point 3: requests in progress per connection and connections per process are bounded, and delay no others."""

import contextlib
import resource
import threading
import time

from tests.attacks.attack import Skipped, attack, held, none_broken
from tests.attacks.raw import Wire, parse, request
from tests.attacks.site import Site
from tests.attacks.world import World

GROWTH = 150 * 1024 * 1024


def flood(site: Site, payload: bytes, connections: int, reads: bool, seconds: float = 5.0) -> tuple[float, int]:
    """Send the payload on that many connections at once. Returns the worst latency of another client, and the growth of
    memory."""
    before = site.memory()
    wires = [site.wire() for _ in range(connections)]
    over = threading.Event()

    def pour(wire: Wire) -> None:
        wire.socket.settimeout(0.2)
        at = 0
        while at < len(payload) and not over.is_set():
            try:
                at += wire.socket.send(payload[at : at + 65536])
            except TimeoutError:
                pass
            except OSError:
                return
            if reads:
                with contextlib.suppress(OSError):
                    wire.socket.settimeout(0.001)
                    wire.socket.recv(1 << 20)
                wire.socket.settimeout(0.2)

    threads = [threading.Thread(target=pour, args=(wire,)) for wire in wires]
    for thread in threads:
        thread.start()
    worst, grown, began = 0.0, 0, time.monotonic()
    while time.monotonic() - began < seconds:
        worst = max(worst, site.latency())
        grown = max(grown, site.memory() - before)
        time.sleep(0.02)
        if worst > 5 or (not any(thread.is_alive() for thread in threads) and time.monotonic() - began > 4):
            break
    over.set()
    for thread in threads:
        thread.join()
    for wire in wires:
        wire.socket.close()
    return worst, grown


@attack(3, alone=True)
def pipelined_floods_delay_no_other(world: World) -> None:
    """Thousands of pipelined requests on some connections do not delay others, and memory stays bounded"""
    site = world.dev
    host = site.host
    body = b'{"token":"x"}'
    shortest = b"GET /x HTTP/1.1\r\nHost:" + host.encode() + b"\r\n\r\n"
    kinds = {
        "10 × 5,000 GET /x": (request("GET", "/x", host) * 5000, 10, False),
        "40 × 5,000 GET /x": (shortest * 5000, 40, False),
        "10 × 5,000 GET /api/users/me, read": (request("GET", "/api/users/me", host) * 5000, 10, True),
        "10 × 5,000 POST": (request("POST", "/api/nowhere", host, body) * 5000, 10, False),
        "1 × 100,000 GET /x": (shortest * 100_000, 1, False),
    }
    quiet = max(site.latency() for _ in range(5))
    found = {}
    for name, (payload, connections, reads) in kinds.items():
        worst, grown = flood(site, payload, connections, reads)
        if worst > 1.0 + 2 * quiet:  # once more: the machine may be busy
            time.sleep(2)
            again, grown = flood(site, payload, connections, reads)
            worst = min(worst, again)
        if worst > 1.0 + 2 * quiet:
            found[name] = f"another client waited {worst:.1f} s (quiet: {quiet:.2f} s)"
        if grown > GROWTH:
            found[name + " memory"] = f"grew by {grown >> 20} MB"
        if len(found) > 1:
            break
        time.sleep(1)
    none_broken(found)


@attack(3)
def what_is_pipelined_is_answered_in_order(world: World) -> None:
    """A client that reads gets every answer to 2,000 pipelined requests, in order"""
    site = world.dev
    with site.wire() as wire:
        asked = b"".join(request("GET", f"/api/nowhere/{number:05}", site.host) for number in range(2000))
        thread = threading.Thread(target=wire.send, args=(asked,))
        thread.start()
        chunks, deadline = [], time.monotonic() + 30
        wire.socket.settimeout(5)
        seen = 0
        while seen < 2000 and time.monotonic() < deadline:
            try:
                data = wire.socket.recv(1 << 20)
            except (TimeoutError, ConnectionError):
                break
            if not data:
                break
            chunks.append(data)
            seen += data.count(b"HTTP/1.1 404")
        thread.join()
        answers = parse(b"".join(chunks))
    in_order = all(f"/{number:05}".encode() in answer.body for number, answer in enumerate(answers))
    held(len(answers) == 2000 and in_order, f"{len(answers)} answers, in order: {in_order}")


@attack(3, alone=True)
def silent_connections_take_no_process_away(world: World) -> None:
    """Silent connections beyond the process' descriptors are closed, and others are served meanwhile"""
    site = world.production(RATE_LIMIT_ANONYMOUS="10000/hour")
    if not hasattr(resource, "prlimit"):
        raise Skipped("prlimit is Linux'")
    resource.prlimit(site.web.pid, resource.RLIMIT_NOFILE, (256, 256))
    wires: list[Wire] = []
    try:
        with contextlib.suppress(OSError):
            wires.extend(site.wire() for _ in range(330))
        answered = None
        began = time.monotonic()
        while answered is None and time.monotonic() - began < 15:
            with contextlib.suppress(OSError), site.wire() as wire:
                answers = wire.send(request("GET", "/api/health/ready", site.host, b"", "Connection: close")).read(3)
                if answers and answers[0].status == 200:
                    answered = time.monotonic() - began
                    break
            time.sleep(0.5)
        held(answered is not None, "no other client was answered for 15 s")
        lines = [line for line in site.logged().splitlines() if "Too many open files" in line]
        held(len(lines) < 20, f"the log says {len(lines)} times that there are too many open files")
    finally:
        for wire in wires:
            wire.socket.close()
