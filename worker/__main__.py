"""The worker process: `python -m worker`, or `python -m worker consume` for the consumers only. `python -m worker
topics` lists the Kafka topics that the application needs."""

import gc

gc.disable()  # until `settle`; see api/kernel/process/collector.py

import sys

import uvloop

from api.features import FEATURES
from api.kernel import telemetry
from api.kernel.feature import settings_of
from api.kernel.process.collector import settle
from api.kernel.process.supervision import follow_supervisor
from api.kernel.settings import SettingsError, load
from worker import topics
from worker.main import run


def main() -> None:
    words = sys.argv[1:]
    if words not in ([], ["consume"]) and words[:1] != ["topics"]:
        sys.exit("usage: python -m worker [consume | topics [--create]]")
    try:
        settings = load(kinds=settings_of(FEATURES))
    except SettingsError as error:
        sys.exit(f"worker: {error}")
    if words[:1] == ["topics"]:
        sys.exit(topics.main(settings.kafka, FEATURES, words[1:]))
    follow_supervisor()
    telemetry.set_up(settings, "worker")
    settle()
    uvloop.run(run(settings, FEATURES, only_consume=bool(words)))


if __name__ == "__main__":
    main()
