"""Named points at which a process kills itself, for the fault suite. FAIL_AT=relay.published:3 sends SIGKILL at the
third passing of that point; without FAIL_AT, a point does nothing."""

import os
import signal
import sys
from collections.abc import Callable, Mapping


def armed(environ: Mapping[str, str]) -> Callable[[str], None]:
    """Return the function to call at each point, with its name. Ends the process if FAIL_AT is set in production."""
    name, _, number = environ.get("FAIL_AT", "").partition(":")
    if not name:
        return _pass
    if environ.get("ENVIRONMENT", "production") == "production":
        sys.exit("FAIL_AT is only for the fault suite: unset it, or set ENVIRONMENT to a value other than production.")
    left = int(number or 1)

    def count(point: str) -> None:
        nonlocal left
        if point == name:
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    return count


def _pass(_: str) -> None:
    return


passing = armed(os.environ)
