"""`python -m dev run` starts everything, `python -m dev exec COMMAND…` runs a command in the environment of a running
stack, and `python -m dev reset` deletes the stack's data."""

import errno
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import NoReturn
from urllib.parse import urlsplit

from dev.demo import Demo, prepare
from dev.environment import environment, forget_libpq, load_env_file
from dev.part import Part, StackError
from dev.processes import Processes
from dev.stack import Services, delete, is_running, remember, remembered, running
from dev.web import serve

USAGE = "usage: python -m dev run | exec COMMAND… | reset"


def main(arguments: list[str]) -> int:
    """Return the exit status: 1, with one line on stderr, if the stack cannot start or had to stop."""
    try:
        load_env_file(Path(".env"))
        forget_libpq()
        data_dir = Path(os.environ.get("DATA_DIR") or ".data")
        match arguments:
            case ["run"]:
                return run(data_dir, _port())
            case ["reset"]:
                reset(data_dir)
                return 0
            case ["exec", *command] if command:
                execute(data_dir, command)
            case _:
                print(USAGE, file=sys.stderr)
                return 2
    except StackError as error:
        print(error, file=sys.stderr)
    except OSError as error:  # an unwritable folder or a full disk
        print(f"{error.filename or 'dev'}: {error.strerror}", file=sys.stderr)
    return 1


def run(data_dir: Path, port: int) -> int:
    """Run the stack, web and worker until a signal arrives or one of them ends. Returns the exit status."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    started = time.monotonic()
    if is_running(data_dir):  # checked before the port, which the other copy probably uses too
        raise StackError(f"{data_dir} is in use by another `make run`: stop it, or set DATA_DIR.")
    _check_free(port)
    print("Starting PostgreSQL, Redis, Kafka and mail …", flush=True)
    with running(data_dir) as (services, parts):
        remember(data_dir, {"web_url": f"http://localhost:{port}", **asdict(services)})
        env = environment(services, port, data_dir) | serve()
        print("Migrating the database …", flush=True)
        Part("migrations", [sys.executable, "-m", "migrations"], data_dir / "logs", env=env, cwd=Path.cwd()).finish()
        demo = prepare(data_dir, env)
        processes = Processes(Path("Procfile"), env, parts, _banner(services, env, data_dir, demo))
        print(f"Starting web and worker, after {time.monotonic() - started:.1f} s …", flush=True)
        processes.loop()
    if processes.failure:
        raise StackError(f"{processes.failure}, so everything was stopped; the logs are in {data_dir / 'logs'}.")
    return int(processes.returncode)


def execute(data_dir: Path, command: list[str]) -> NoReturn:
    """Replace this process by `command`, in the environment of the stack running on `data_dir`. Raises StackError if
    none runs."""
    if not is_running(data_dir):
        raise StackError(f"Nothing runs on {data_dir}: start it with `make run`.")
    addresses = remembered(data_dir)
    port = urlsplit(str(addresses.pop("web_url"))).port or 80
    env = environment(Services(**addresses), port, data_dir)
    try:
        os.execvpe(command[0], command, env)  # noqa: S606 - replaces this process
    except FileNotFoundError:
        raise StackError(f"Command not found: {command[0]}.") from None


def reset(data_dir: Path) -> None:
    """Delete the database, mail, keys and logs of `run`. Raises StackError while it runs."""
    if delete(data_dir):
        print(f"Deleted {data_dir}: the next `make run` starts with a new database.")
    else:
        print(f"{data_dir} holds nothing of `make run`.")


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    """Raise to unwind and stop what was started. A second signal must not interrupt that."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(128 + number)


def _port() -> int:
    port = os.environ.get("PORT") or "8000"
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise StackError(f"PORT is {port}: it must be a number from 1 to 65535.")
    return int(port)


def _check_free(port: int) -> None:
    """Raise StackError if another program uses `port` on any address: on localhost it would receive our requests."""
    for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family) as listener:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise StackError(f"Port {port} is in use by another program: stop it, or set PORT.") from None
            if family == socket.AF_INET:
                raise StackError(f"Port {port} cannot be used ({error.strerror}): set PORT.") from None


def _banner(services: Services, env: Mapping[str, str], data_dir: Path, demo: Demo | None) -> str:
    web = f"http://localhost:{env['PORT']}"
    limits = f"{env['RATE_LIMIT_ANONYMOUS']} by address, {env['RATE_LIMIT_SIGNED_IN']} by account"
    mail = f"{services.mail_url}   (files in {data_dir / 'mail'})" if services.mail_url else "goes to your SMTP_URL"
    kept = "yours" if os.environ.get("KAFKA_BOOTSTRAP_SERVERS") else "in memory: its topics are gone after a restart"
    sign_in = "register, then make superuser EMAIL=…"
    if demo:
        sign_in = f"""{demo.email}   (a superuser; the other demo accounts have the same password)
                {demo.password}   (until you change it)"""
    return f"""
  Application   {web}
  Sign in       {sign_in}
  API           {web}/api/docs
  Mailbox       {mail}
  Kafka         {services.kafka_bootstrap_servers}   ({kept})
  Limits        {limits}   (in production 100/hour and 1000/hour, unless set)
  Data          {data_dir}   (addresses in services.json, logs in logs)

  `make web`, in another terminal, shows changes in web at once.
  Web and worker start again when a file changes in api, worker or sql. Ctrl-C stops everything.
"""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
