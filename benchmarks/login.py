"""POST login, compared to what Argon2id alone allows on one core, and to the reference stack."""

import contextlib
import itertools
import statistics
import subprocess
import sys
from collections.abc import Iterator

from benchmarks.accounts import PASSWORD, login
from benchmarks.bench import HEADING, Bench, Table, at_least, loading, median_row, ratio
from benchmarks.load import SERVER_CORE, Load, on_core
from benchmarks.servers import ROOT, reference_stack, this_backend

CLIENTS = 4
# Only verifies hashes, like the application; prints the number per second.
_ALONE = """
import sys, time
from api.kernel.identity.hashes import ARGON2
hashed, began, done = ARGON2.hash("correct horse battery staple"), time.perf_counter(), 0
while time.perf_counter() - began < float(sys.argv[1]):
    ARGON2.verify(hashed, "correct horse battery staple")
    done += 1
print(done / (time.perf_counter() - began))
"""


def ask(bench: Bench) -> Table:
    emails = [f"login{number}@example.com" for number in range(CLIENTS)]

    def requests(number: int) -> Iterator[bytes]:
        return itertools.repeat(login(emails[number]))

    with contextlib.ExitStack() as running:
        ours = running.enter_context(this_backend(bench.services))
        reference = running.enter_context(reference_stack(bench.services))
        for server, email in itertools.product((ours, reference), emails):
            status, body = server.post_json("/api/auth/register", {"email": email, "password": PASSWORD})
            assert status == 201, body
        loads = bench.alternate(
            {
                ours.name: loading(ours, requests, CLIENTS),
                "Argon2id alone, in a loop": _argon2_alone,
                "reference stack, whose hashes are stronger by default": loading(reference, requests, CLIENTS),
            }
        )
    mine, alone, _ = loads.values()
    share = ratio(mine, alone)
    hash_ms = statistics.median(load.p50 for load in alone)
    return Table(
        "POST login",
        "≥ 0.95 × Argon2id alone on the same core",
        (*HEADING[:-1], "× Argon2id alone"),
        [median_row(name, rounds, alone) for name, rounds in loads.items()],
        f"{CLIENTS} concurrent clients: a latency is about as many hashes, of {hash_ms:.1f} ms each. A login takes "
        f"{max(0.0, hash_ms / share - hash_ms):.1f} ms more: five round trips to PostgreSQL and the "
        "rest of the request, with CPU caches that each hash evicts, and hashing threads that share one core.",
        [at_least("≥ 0.95 × Argon2id alone", share, 0.95)],
    )


def _argon2_alone(seconds: float) -> Load:
    with on_core(SERVER_CORE):
        done = subprocess.run([sys.executable, "-c", _ALONE, str(seconds)], cwd=ROOT, capture_output=True, check=True)
    rate = float(done.stdout)
    return Load(rate, 1000 / rate, 1000 / rate, 0)
