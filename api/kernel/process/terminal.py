"""What a command prints for the person at the terminal, in colour where it is one."""

import os
import sys
from typing import TextIO

GREEN, RED, BOLD = 32, 31, 1


def coloured(to: TextIO | None = None) -> bool:
    """Whether to write colours to standard output, or `to` another stream: to a terminal that has them, unless
    NO_COLOR is set (no-color.org)."""
    return (to or sys.stdout).isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def painted(text: str, style: int, on: bool) -> str:
    """The text in a colour, or as it is."""
    return f"\x1b[{style}m{text}\x1b[0m" if on else text


def show(text: str, to: TextIO | None = None) -> None:
    """Print the text to standard output, or `to` another stream. A reader that has gone, such as `head`, is no
    error. Ends the process with status 1 and a line where nothing can be written, such as on a full disk."""
    to = to or sys.stdout
    try:
        print(text, file=to, flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), to.fileno())  # which Python flushes at its end
        if not isinstance(error, BrokenPipeError):
            sys.exit(f"the output cannot be written: {error.strerror}")
