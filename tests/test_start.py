"""What a process imports before it serves, and the garbage collector meanwhile."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

Environment = dict[str, str]

# Each of them costs 5 to 100 ms of the start, and most of them 0.5 to 3 MB in each process.
HEAVY = {
    "aiosmtplib": "mail is sent by the worker",
    "httpx": "other services are called by tasks",
    "jinja2": "mail is rendered by the worker",
    "opentelemetry.exporter": "nothing is exported",
    "opentelemetry.sdk": "nothing is exported",
    "psycopg": "for migrations",
    "requests": "the OTLP exporter imports it",
    "yoyo": "for migrations",
    "zxcvbn_rs_py": "its dictionaries are loaded for the first new password",
}
IN_WEB = HEAVY | {
    "aiokafka": "for the worker",
    "api.kernel.contract": "made for the first request of /api/openapi.json",
    "arq": "for the worker",
}
PREPARED = {
    "api.__main__": "from api.app import create; create()",
    "worker.__main__": "from api.kernel.process.collector import settle; settle()",
}


def prepared(module: str, environment: Environment, root: Path) -> tuple[set[str], bool, bool, int]:
    """The imported modules, whether collections run after the imports and when prepared, and the exempt objects."""
    code = (
        f"import gc, json, sys, {module}; running = gc.isenabled(); {PREPARED[module]}; "
        "print(json.dumps([sorted(sys.modules), running, gc.isenabled(), gc.get_freeze_count()]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, check=True, timeout=100
    )
    modules, *rest = json.loads(done.stdout.splitlines()[-1])
    return set(modules), *rest


@pytest.mark.parametrize("module", PREPARED)
def test_a_process_imports_what_it_serves_with(module: str, environment: Environment, root: Path) -> None:
    """C-347."""
    modules, while_importing, afterwards, exempt = prepared(module, environment, root)
    heavy = IN_WEB if module == "api.__main__" else HEAVY
    assert {name: why for name, why in heavy.items() if name in modules} == {}
    assert not while_importing
    assert afterwards
    assert exempt > 10_000
