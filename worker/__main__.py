"""The worker process: `python -m worker`."""

import sys

import uvloop

from api.features import FEATURES
from api.kernel import telemetry
from api.kernel.settings import SettingsError, load
from worker.main import run


def main() -> None:
    try:
        settings = load()
    except SettingsError as error:
        sys.exit(f"worker: {error}")
    telemetry.set_up(settings, "worker")
    uvloop.run(run(settings, FEATURES))


if __name__ == "__main__":
    main()
