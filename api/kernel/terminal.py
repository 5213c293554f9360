"""What a command prints for the person at the terminal."""

import os
import sys


def show(text: str) -> None:
    """Print the text. A reader that has gone, such as `head`, is no error."""
    try:
        print(text, flush=True)  # noqa: T201
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # which Python flushes at its end
