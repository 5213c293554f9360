"""The web process: `python -m api` serves the application on $PORT."""

import signal
import sys

import uvicorn
from uvicorn.config import STARTUP_FAILURE

from api.kernel.settings import SettingsError, load
from api.kernel.supervision import follow_supervisor
from api.server import Supervisor, configuration


def main() -> None:
    try:
        settings = load()
    except SettingsError as error:
        sys.exit(f"web: {error}")
    config = configuration(settings)
    # uvicorn raises the signal again once everything is answered; by then it means a clean end.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    if settings.web_concurrency > 1:
        follow_supervisor()
        supervisor = Supervisor(config, [config.bind_socket()])
        supervisor.run()
        sys.exit(any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes))
    else:
        uvicorn.Server(config).run()


if __name__ == "__main__":
    main()
