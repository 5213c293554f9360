"""The environment of `web`, `worker` and commands: the caller's own, completed with the addresses of the stack."""

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
    """Read KEY=VALUE lines, with `#` comments and optional quotes, into the environment. Variables that are set take
    precedence.

    Raises StackError naming the line if it is malformed."""
    if not path.exists():
        return
    for number, line in enumerate(path.read_text("utf-8-sig").splitlines(), 1):
        if match := LINE.fullmatch(line):
            os.environ.setdefault(match[1], match["double"] or match["single"] or match["bare"] or "")
        elif line.strip() and not line.lstrip().startswith("#"):
            raise StackError(f"{path}, line {number}: expected KEY=VALUE or a # comment.")


def forget_libpq() -> None:
    """Remove libpq's variables (PGHOST, PGPASSWORD, PGOPTIONS, …) from the environment, so that only DATABASE_URL
    selects the database."""
    for name in [name for name in os.environ if re.fullmatch("PG[A-Z0-9_]+", name)]:
        del os.environ[name]


def environment(services: Services, port: int, data_dir: Path) -> dict[str, str]:
    """Return the variables for a process on the stack. Non-empty variables of the caller are kept."""
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
        "LOG_HEALTH": "false",  # the banner polls health ten times a second
        "RATE_LIMIT_ANONYMOUS": "10000/hour",  # high rather than off, so that clients see the header fields
        "RATE_LIMIT_SIGNED_IN": "100000/hour",
        "WEBHOOKS_ALLOWED_NETWORKS": "127.0.0.0/8,::1/128",  # receivers on this machine
        "PYTHONUNBUFFERED": "1",  # unbuffered log lines
    }
    user = {name: value for name, value in os.environ.items() if value or name not in defaults}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {**defaults, **user, "PORT": str(port), "PATH": path}
