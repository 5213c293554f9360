"""What a command prints for the person at the terminal."""

import os
import sys
from typing import TextIO


def show(text: str, to: TextIO | None = None) -> None:
    """Print the text to standard output, or `to` another stream. A reader that has gone, such as `head`, is no
    error."""
    to = to or sys.stdout
    try:
        print(text, file=to, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), to.fileno())  # which Python flushes at its end
