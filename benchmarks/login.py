"""POST login: how much of what Argon2id allows on one core is left, and the reference stack."""

import contextlib
import itertools
import statistics
import subprocess
import sys

from benchmarks.bench import HEADING, Bench, Table, median_row
from benchmarks.load import SERVER_CORE, Load, on_core, request
from benchmarks.me import FORM, LOGIN, sign_in
from benchmarks.servers import ROOT, reference_stack, this_backend

# Verifies as the application does and nothing else; prints how many a second.
_ALONE = """
import sys, time
from api.kernel.passwords import _ARGON2
hashed, began, done = _ARGON2.hash("correct horse battery staple"), time.perf_counter(), 0
while time.perf_counter() - began < float(sys.argv[1]):
    _ARGON2.verify(hashed, "correct horse battery staple")
    done += 1
print(done / (time.perf_counter() - began))
"""


def ask(bench: Bench) -> Table:
    with contextlib.ExitStack() as running:
        ours = running.enter_context(this_backend(bench.services))
        reference = running.enter_context(reference_stack(bench.services))
        for server in (ours, reference):
            sign_in(server)
        sent = {
            server.name: lambda _: itertools.repeat(request("POST", "/api/auth/jwt/login", FORM, LOGIN))
            for server in (ours, reference)
        }
        loads = bench.alternate([ours, reference], sent, connections=4)
        alone = [_argon2_alone(bench.seconds) for _ in range(bench.rounds)]
    floor = [Load(rate, 1000 / rate, 1000 / rate, 0) for rate in alone]
    rows = [
        median_row(ours.name, loads[ours.name], floor),
        median_row("Argon2id alone, in a loop", floor, floor),
        median_row("reference stack, whose hashes are stronger by default", loads[reference.name], floor),
    ]
    return Table(
        "POST login",
        "≥ 0.95 of what Argon2id alone does on the same core",
        HEADING,
        rows,
        f"Four clients at a time: a latency is about four hashes, of {1000 / statistics.median(alone):.1f} ms each.",
    )


def _argon2_alone(seconds: float) -> float:
    with on_core(SERVER_CORE):
        done = subprocess.run([sys.executable, "-c", _ALONE, str(seconds)], cwd=ROOT, capture_output=True, check=True)
    return float(done.stdout)
