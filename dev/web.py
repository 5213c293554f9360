"""The application that `make run` serves at `/`. `make web-build` builds it if a file in web/ has changed."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

BUILT, STAND_IN = "web/dist", "web/public"
STAMP = f"{BUILT}/.from-sources"


def serve() -> dict[str, str]:
    """Build the application of the current folder, if it has one. Returns WEB_DIR for the web process: the build, or
    the stand-in without one. Returns nothing if the caller has set WEB_DIR."""
    if os.environ.get("WEB_DIR") or not Path("web/package.json").exists():
        return {}
    if os.environ.get("WEB") == "off":
        return {"WEB_DIR": STAND_IN}
    began = time.monotonic()
    if _make("--question", STAMP) == 0:
        return {"WEB_DIR": BUILT}
    print("Building the application, in up to a minute the first time (`WEB=off make run` does not) …", flush=True)
    if _make("web-build") == 0:
        print(f"Built the application in {time.monotonic() - began:.1f} s.", flush=True)
        return {"WEB_DIR": BUILT}
    print(f"The application is not built, for the reason above: {STAND_IN} is served instead.", flush=True)
    return {"WEB_DIR": STAND_IN}


def _make(*arguments: str) -> int:
    """Return the exit status of `make`. Ends it, with its children, if a signal arrives meanwhile."""
    # `make run` runs this. Its options and its jobs are not for another `make`.
    env = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    try:
        process = subprocess.Popen(["make", "--no-print-directory", *arguments], env=env, start_new_session=True)
    except FileNotFoundError:
        print("There is no program `make` here.", flush=True)
        return 127
    try:
        return process.wait()
    finally:
        with suppress(ProcessLookupError):  # it has ended
            os.killpg(process.pid, signal.SIGTERM)
