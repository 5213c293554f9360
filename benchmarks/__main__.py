"""`make bench`: runs every benchmark and writes docs/benchmarks.md. BENCH=quick shortens the rounds. A new benchmark is
a module with `ask(bench) -> Table`, listed in QUESTIONS."""

import importlib.metadata
import os
import platform
import sys
import tempfile
import textwrap
from collections.abc import Sequence
from pathlib import Path

from benchmarks import concurrency, enumeration, events, list, login, me, profile, refresh, start, storm
from benchmarks.bench import Bench, Table, grid
from benchmarks.servers import REFERENCE, ROOT
from dev.stack import embedded
from migrations.__main__ import migrate

QUESTIONS = (me, concurrency, list, profile, events, refresh, login, enumeration, storm, start)
PACKAGES = ("starlette", "uvicorn", "uvloop", "httptools", "asyncpg", "joserfc", "argon2-cffi", "msgspec", "redis")


def main() -> None:
    if not Path(REFERENCE).exists():
        sys.exit("bench: the reference stack is not installed; run it as: make bench")
    quick = os.environ.get("BENCH") == "quick"
    with tempfile.TemporaryDirectory() as folder, embedded(Path(folder) / "stack") as services:
        migrate(services.database_url)
        bench = Bench(services, quick, 1.0 if quick else 4.0, 3 if quick else 5)
        tables = []
        for question in QUESTIONS:
            print(f"… {question.__name__.rpartition('.')[2]}", flush=True)
            tables.append(question.ask(bench))
            print(f"\n{tables[-1].markdown()}\n", flush=True)
    pages = [_about(bench), _summary(tables), *(table.markdown() for table in tables)]
    (ROOT / "docs/benchmarks.md").write_text("\n\n".join(map(_wrapped, pages)) + "\n", "utf-8")


def _wrapped(page: str) -> str:
    """Its paragraphs in lines of at most 100 columns; tables, headings and code as they are."""
    blocks = page.split("\n\n")
    return "\n\n".join(
        block if block.startswith(("|", "#", " ", "```")) else textwrap.fill(block, 100, break_on_hyphens=False)
        for block in blocks
    )


def _about(bench: Bench) -> str:
    with open("/proc/cpuinfo") as cpuinfo:
        model = next((line.partition(":")[2].strip() for line in cpuinfo if line.startswith("model name")), "unknown")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    return f"""# Benchmarks

Written by `make bench`. Compare ratios rather than absolute numbers: the machine is shared, and its speed drifts.
{os.cpu_count()} cores of {model}, Python {platform.python_version()}, {versions}.

Each server runs on the first core, the load on the second; PostgreSQL and Redis run on both and are shared by all.
{bench.rounds} rounds of {bench.seconds} s, A B A B …, after a warm-up round; medians, and ratios round by
round. Answers are compared before the measurements. Limits are off and logs are at WARNING unless a line says
otherwise."""


def _summary(tables: Sequence[Table]) -> str:
    rows = [
        (table.question, verdict.aim, verdict.measured, "yes" if verdict.met else "no")
        for table in tables
        for verdict in table.verdicts
    ]
    return grid(("question", "aimed for", "measured", "met"), rows)


if __name__ == "__main__":
    main()
