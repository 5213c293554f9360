"""The environment that `web`, `worker` and commands run in: the user's own, filled up so that the stack is found."""

import os
import re
import sys
from pathlib import Path

from dev.files import kept_secret
from dev.part import StackError
from dev.stack import Services

LINE = re.compile(
    r"""\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>.*?))\s*(?:(?<!\S)\#.*)?"""
)


def load_env_file(path: Path) -> None:
    """Read KEY=VALUE lines, with `#` comments and optional quotes, into the environment, which goes first.

    Raises StackError, naming the line, for any other.
    """
    if not path.exists():
        return
    for number, line in enumerate(path.read_text("utf-8-sig").splitlines(), 1):
        if match := LINE.fullmatch(line):
            os.environ.setdefault(match[1], match["double"] or match["single"] or match["bare"] or "")
        elif line.strip() and not line.lstrip().startswith("#"):
            raise StackError(f"{path}, line {number}: expected KEY=VALUE or a # comment.")


def forget_libpq() -> None:
    """Remove libpq's own variables (PGHOST, PGPASSWORD, PGOPTIONS, …) from the environment: DATABASE_URL alone says
    which database is meant, whatever the shell was set up for."""
    for name in [name for name in os.environ if re.fullmatch("PG[A-Z0-9_]+", name)]:
        del os.environ[name]


def environment(services: Services, port: int, data_dir: Path) -> dict[str, str]:
    """The variables for a process beside the stack. What the user has set to anything but "" stays."""
    defaults = {
        "DATABASE_URL": services.database_url,
        "REDIS_URL": services.redis_url,
        "KAFKA_BOOTSTRAP_SERVERS": services.kafka_bootstrap_servers,
        "SMTP_URL": services.smtp_url,
        "SECRET_KEY": kept_secret(data_dir / "secret_key"),
        "PUBLIC_URL": f"http://localhost:{port}",
        "ALLOWED_ORIGINS": "http://localhost:4200",
        "ENVIRONMENT": "development",
        "LOG_FORMAT": "console",
        "LOG_HEALTH": "false",  # the banner waits for health, and asks for it ten times a second
        "RATE_LIMIT_ANONYMOUS": "10000/hour",  # high and not off, so that clients see the fields
        "RATE_LIMIT_SIGNED_IN": "100000/hour",
        "PYTHONUNBUFFERED": "1",  # a line is shown when it is written
    }
    user = {name: value for name, value in os.environ.items() if value or name not in defaults}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {**defaults, **user, "PORT": str(port), "PATH": path}
