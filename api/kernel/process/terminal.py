"""Output of commands, in colour on a terminal."""

import os
import sys
from typing import TextIO

GREEN, RED, BOLD = 32, 31, 1


def coloured(to: TextIO | None = None) -> bool:
    """Return whether to write colours to `to`, or standard output: to a terminal with colours, unless NO_COLOR is set
    (no-color.org)."""
    return (to or sys.stdout).isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def painted(text: str, style: int, on: bool) -> str:
    """Return the text in a colour if `on`."""
    return f"\x1b[{style}m{text}\x1b[0m" if on else text


def show(text: str, to: TextIO | None = None) -> None:
    """Print the text to `to`, or standard output. A closed pipe, such as `head`'s, is not an error. Exits with status 1
    and a message if the output cannot be written, such as on a full disk."""
    to = to or sys.stdout
    try:
        print(text, file=to, flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), to.fileno())  # Python flushes it at exit
        if not isinstance(error, BrokenPipeError):
            sys.exit(f"the output cannot be written: {error.strerror}")
