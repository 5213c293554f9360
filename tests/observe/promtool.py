"""Alert rules against scrapes: promtool (Debian's package `prometheus`) replays two of them."""

import json
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RULES = ROOT / "docs/observe/alerts.yaml"
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="needs promtool: apt-get install prometheus")
SAMPLE = re.compile(r"(?P<name>[a-z_]+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")
SAMPLES = 80
"""Every 15 s: twenty minutes of the first scrape, then of the second."""
BEFORE, SOON, LATER = "19m", "22m", "34m"


def samples(text: str) -> dict[str, float]:
    """Return the series of a scrape with their values."""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            match = SAMPLE.fullmatch(line)
            assert match, line
            labels = ",".join(filter(None, [match["labels"], 'job="rest-angular",instance="one"']))
            found[f"{match['name']}{{{labels}}}"] = float(match["value"])
    return found


def fires(alert: str, before: str, after: str, folder: Path, *, again: bool = True) -> tuple[bool, bool]:
    """Return whether the alert fires while Prometheus scrapes `before`, and some time after it scraped `after`. The
    counts of `after` repeat in every interval, or happen once if not `again`."""
    first, second = samples(before), samples(after)
    names = re.findall(r"[a-z_]{2,}", RULES.read_text().partition(f"alert: {alert}\n")[2].partition("labels:")[0])
    series = [
        {"series": each, "values": _values(each, first.get(each), second.get(each), again)}
        for each in first.keys() | second.keys()
        if each.partition("{")[0] in names
    ]
    firing = f'(count(ALERTS{{alertname="{alert}",alertstate="firing"}}) > bool 0) or vector(0)'
    times = (BEFORE, SOON, LATER)
    asked = [{"expr": firing, "eval_time": at, "exp_samples": [{"labels": "{}", "value": 1}]} for at in times]
    test = {"interval": "15s", "input_series": series, "promql_expr_test": asked}
    document = {"rule_files": [str(RULES)], "evaluation_interval": "15s", "tests": [test]}
    file = folder / "test.yaml"
    file.write_text(json.dumps(document))  # JSON is YAML
    assert PROMTOOL is not None
    told = subprocess.run([PROMTOOL, "test", "rules", str(file)], capture_output=True, text=True, check=False)
    output = told.stdout + told.stderr
    quiet = {at for at in times if f"time: {at}," in output}
    assert ("SUCCESS" in output and not quiet) or output.count("got: {} 0E+00") == len(quiet) > 0, output
    return BEFORE not in quiet, not {SOON, LATER} <= quiet


def _values(series: str, before: float | None, after: float | None, again: bool) -> str:
    if "_timestamp_" in series:  # promtool's clock begins at 0
        shift = 15 * SAMPLES - time.time()
        before, after = (None if value is None else value + shift for value in (before, after))
    name = series.partition("{")[0]
    then = (after or 0) - (before or 0) if again and name.endswith(("_total", "_bucket", "_sum", "_count")) else 0
    start = f"_x{SAMPLES}" if before is None else f"{before:.6f}+0x{SAMPLES}"
    end = "stale" if after is None else f"{after:.6f}+{max(then, 0):.6f}x{SAMPLES}"
    return f"{start} {end}"
