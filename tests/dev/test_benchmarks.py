"""The results of `make bench` for programs, and what `make bench-check` refuses."""

import json
import subprocess
import sys

import msgspec

from benchmarks.bench import Bench, Table, at_least, at_most
from benchmarks.check import MOST, RATIOS, slower
from benchmarks.results import document
from dev.stack import Services
from tests.dev.project import ROOT

BENCH = Bench(Services("", "", "", "", None), quick=True, seconds=1.0, rounds=3)
TABLE = Table(
    "Start",
    "at most 0.45 s",
    ("", "s to the first answer", "lowest–highest"),
    [["this backend", "1,234.50", "1–2"], ["by hand", "0.20", ""]],
    verdicts=[at_most("start ≤ 0.45 s", 0.5, 0.45, "s"), at_least("≥ 1.9 × the floor", 2.0, 1.9)],
)


def test_results_for_programs_have_numbers_units_and_targets() -> None:
    written = json.loads(msgspec.json.encode(document(BENCH, [TABLE])))
    assert written["targets"] == [
        {
            "question": "Start",
            "name": "start ≤ 0.45 s",
            "value": 0.5,
            "unit": "s",
            "target": 0.45,
            "measured": "0.50 s",
            "met": False,
        },
        {
            "question": "Start",
            "name": "≥ 1.9 × the floor",
            "value": 2.0,
            "unit": "×",
            "target": 1.9,
            "measured": "2.00 ×",
            "met": True,
        },
    ]
    assert written["lines"] == [
        {"question": "Start", "name": "this backend", "s to the first answer": 1234.5, "lowest–highest": "1–2"},
        {"question": "Start", "name": "by hand", "s to the first answer": 0.2},
    ]
    assert written["environment"]["packages"]["asyncpg"]


def test_a_ratio_above_its_bound_is_refused() -> None:
    recorded = {"GET /users/me": 1.0, "POST /auth/refresh": 2.0}
    assert slower({"GET /users/me": MOST, "POST /auth/refresh": 2.0}, recorded) == []
    assert slower({"GET /users/me": MOST + 0.01, "POST /auth/refresh": 2.0}, recorded) == ["GET /users/me"]


def test_every_line_of_the_check_is_recorded() -> None:
    recorded = json.loads(RATIOS.read_text())
    assert slower({name: (MOST + 1) * ratio for name, ratio in recorded.items()}, recorded) == list(recorded)


def test_an_unknown_benchmark_is_refused_with_the_names_of_all() -> None:
    asked = [sys.executable, "-m", "benchmarks", "nonsense"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "unknown: nonsense; the benchmarks are me, concurrency, peers" in done.stderr
