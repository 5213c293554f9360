"""The web process: `python -m api` serves the application on $HOST and $PORT."""

import gc

gc.disable()  # until `settle`; see api/kernel/process/collector.py

import signal
import sys

import uvicorn
from uvicorn.config import STARTUP_FAILURE

from api.features import FEATURES
from api.kernel.feature import settings_of
from api.kernel.process.collector import settle
from api.kernel.process.supervision import follow_supervisor
from api.kernel.settings import SettingsError, load
from api.kernel.wire.process import Supervisor, bind, configuration


def main() -> None:
    try:
        settings = load(kinds=settings_of(FEATURES))
    except SettingsError as error:
        sys.exit(f"web: {error}")
    try:
        sockets = bind(settings)
    except OSError as error:
        sys.exit(f"web: {error.strerror}")
    config = configuration(settings)
    # uvicorn raises the signal again after all requests are answered; then it is a clean exit.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    if settings.web_concurrency > 1:
        follow_supervisor()
        settle()
        supervisor = Supervisor(config, sockets)
        supervisor.run()
        sys.exit(any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes))
    else:
        uvicorn.Server(config).run(sockets)


if __name__ == "__main__":
    main()
