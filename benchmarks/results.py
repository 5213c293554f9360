"""The results of a whole run: docs/benchmarks.md for readers, docs/benchmarks.json for programs."""

import importlib.metadata
import os
import platform
import re
import textwrap
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.bench import Bench, Table, grid

PACKAGES = ("starlette", "uvicorn", "uvloop", "httptools", "asyncpg", "joserfc", "argon2-cffi", "msgspec", "redis")


def write(folder: Path, bench: Bench, tables: Sequence[Table]) -> None:
    pages = [_about(bench), _summary(tables), *(table.markdown() for table in tables)]
    (folder / "benchmarks.md").write_text("\n\n".join(map(_wrapped, pages)) + "\n", "utf-8")
    encoded = msgspec.json.format(msgspec.json.encode(document(bench, tables)), indent=2)
    (folder / "benchmarks.json").write_bytes(encoded + b"\n")


def document(bench: Bench, tables: Sequence[Table]) -> dict[str, object]:
    """Return the environment, the targets, and the rows of each table as objects named by its heading."""
    return {
        "environment": {
            "cores": os.cpu_count(),
            "processor": _processor(),
            "python": platform.python_version(),
            "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
            "rounds": bench.rounds,
            "seconds": bench.seconds,
        },
        "targets": [
            {
                "question": table.question,
                "name": verdict.aim,
                "value": verdict.value,
                "unit": verdict.unit,
                "target": verdict.target,
                "measured": verdict.measured,
                "met": verdict.met,
            }
            for table in tables
            for verdict in table.verdicts
        ],
        "lines": [
            {"question": table.question, "name": row[0], **_cells(table.heading[1:], row[1:])}
            for table in tables
            for row in table.rows
        ],
    }


def _cells(heading: Sequence[str], cells: Sequence[str]) -> dict[str, float | str]:
    if len({*heading}) < len(heading):
        raise ValueError(f"two columns have one name: {', '.join(heading)}")
    return {name: _number(cell) for name, cell in zip(heading, cells, strict=True) if cell}


def _number(cell: str) -> float | str:
    plain = cell.replace(",", "")
    return float(plain) if re.fullmatch(r"-?\d+(\.\d+)?", plain) else cell


def _wrapped(page: str) -> str:
    """Return the page with paragraphs in lines of at most 100 columns; tables, headings and code are unchanged."""
    blocks = page.split("\n\n")
    return "\n\n".join(
        block if block.startswith(("|", "#", " ", "```")) else textwrap.fill(block, 100, break_on_hyphens=False)
        for block in blocks
    )


def _processor() -> str:
    with open("/proc/cpuinfo") as cpuinfo:
        return next((line.partition(":")[2].strip() for line in cpuinfo if line.startswith("model name")), "unknown")


def _about(bench: Bench) -> str:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    return f"""# Benchmarks

Written by `make bench`. Compare ratios rather than absolute numbers: the machine is shared, and its speed drifts.
{os.cpu_count()} cores of {_processor()}, Python {platform.python_version()}, {versions}.

Each server runs on the first core, the load on the second. PostgreSQL and Redis are shared by all; they run on the
server's core where a table says so, else on both. {bench.rounds} rounds of {bench.seconds} s, A B A B …, after a
warm-up round; medians, and ratios round by round. Answers are compared before the measurements. Limits are off and
logs are at WARNING unless a line says otherwise. benchmarks.json has the same results for programs."""


def _summary(tables: Sequence[Table]) -> str:
    rows = [
        (table.question, verdict.aim, verdict.measured, "yes" if verdict.met else "no")
        for table in tables
        for verdict in table.verdicts
    ]
    return grid(("question", "target", "measured", "met"), rows)
