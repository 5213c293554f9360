"""The web process: `python -m api` serves the application on $PORT."""

import signal
import sys

import uvicorn
from uvicorn.supervisors import Multiprocess

from api.kernel.settings import SettingsError, load
from api.server import configuration


def main() -> None:
    try:
        settings = load()
    except SettingsError as error:
        sys.exit(f"web: {error}")
    config = configuration(settings)
    # uvicorn raises the signal again once everything is answered; by then it means a clean end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if settings.web_concurrency > 1:
        Multiprocess(config, [config.bind_socket()]).run()
    else:
        uvicorn.Server(config).run()


if __name__ == "__main__":
    main()
