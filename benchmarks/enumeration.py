"""Measures whether response times reveal which addresses have an account: public routes, with known and unknown
addresses in turn."""

import http.client
import itertools
import json
import statistics
import time
import urllib.parse
from collections.abc import Callable, Sequence

from benchmarks.accounts import open_accounts
from benchmarks.bench import Bench, Table, at_most
from benchmarks.load import LOAD_CORE, on_core
from benchmarks.servers import environment_for, serving

JSON, FORM = {"content-type": "application/json"}, {"content-type": "application/x-www-form-urlencoded"}
MOST_MS = 2.0
Ask = Callable[[str], tuple[str, dict[str, str], str]]
"""Maps an address to the path, headers and body of a request."""


def _login(email: str) -> tuple[str, dict[str, str], str]:
    return "/api/auth/jwt/login", FORM, urllib.parse.urlencode({"username": email, "password": "wrong"})


def _json(path: str, **more: str) -> Ask:
    return lambda email: (path, JSON, json.dumps({"email": email, **more}))


ROUTES: dict[str, Ask] = {
    "login, wrong password": _login,
    "register": _json("/api/auth/register", password="a good deal longer"),
    "forgot-password": _json("/api/auth/forgot-password"),
    "request-verify-token": _json("/api/auth/request-verify-token"),
}


def ask(bench: Bench) -> Table:
    pairs = 50 if bench.quick else 200
    environment = environment_for(bench.services, 9203, HIDE_ACCOUNTS="true")
    with serving("this backend", ["api"], environment) as server, on_core(LOAD_CORE):
        known = [account.email for account in open_accounts(bench.services)]
        measured = {name: _measure(server.port, route, known, pairs) for name, route in ROUTES.items()}
    apart = {name: abs(statistics.median(a) - statistics.median(b)) for name, (a, b) in measured.items()}
    worst = max(apart.values())
    return Table(
        "Do response times reveal accounts?",
        f"|Δ median| ≤ {MOST_MS:.0f} ms on each route",
        ("", "known p50 ms", "unknown p50 ms", "known p10–p90", "unknown p10–p90", "Δ median ms", "p (Mann-Whitney)"),
        [_row(name, *both, apart[name]) for name, both in measured.items()],
        f"{pairs} sequential requests of each kind, in turns; HIDE_ACCOUNTS is on. A small p means that the "
        "two could be distinguished with as many measurements, on an equally idle machine without limits.",
        [at_most(f"Δ median of known and unknown addresses ≤ {MOST_MS:.0f} ms", worst, MOST_MS, "ms")],
    )


def _measure(port: int, route: Ask, known: Sequence[str], pairs: int) -> tuple[list[float], list[float]]:
    """Return the milliseconds of each answer, for known and for unknown addresses."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    times: tuple[list[float], list[float]] = ([], [])
    addresses, run = itertools.cycle(known), time.time_ns()
    answers = set()
    for number in range(-10, pairs):  # the first ones are warm-up
        turn = [(times[0], next(addresses)), (times[1], f"nobody{run}-{number + 10}@example.com")]
        for kept, email in turn if number % 2 else reversed(turn):
            path, headers, body = route(email)
            began = time.perf_counter()
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            answer.read()
            if number >= 0:
                kept.append((time.perf_counter() - began) * 1000)
            answers.add(answer.status)
    connection.close()
    assert len(answers) == 1, f"the statuses of {path} differ: {answers}"
    return times


def _row(name: str, known: list[float], unknown: list[float], apart: float) -> list[str]:
    middle = [f"{statistics.median(times):.2f}" for times in (known, unknown)]
    spread = []
    for times in (known, unknown):
        deciles = statistics.quantiles(times, n=10)
        spread.append(f"{deciles[0]:.2f}–{deciles[-1]:.2f}")
    return [name, *middle, *spread, f"{apart:.2f}", f"{_mann_whitney(known, unknown):.3f}"]


def _mann_whitney(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the probability of an equal or greater difference in ranks between two samples of one distribution
    (two-sided, by the normal approximation)."""
    ranked = sorted([(time, True) for time in first] + [(time, False) for time in second])
    ranks = sum(rank for rank, (_, of_first) in enumerate(ranked, 1) if of_first)
    n, m = len(first), len(second)
    u = ranks - n * (n + 1) / 2
    z = (u - n * m / 2) / (n * m * (n + m + 1) / 12) ** 0.5
    return 2 * (1 - statistics.NormalDist().cdf(abs(z)))
