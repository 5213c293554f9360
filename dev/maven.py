"""Jars, downloaded by Maven."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from dev.part import StackError

SECONDS = 300.0
TRIES, PAUSE = 3, 10.0


def fetch(pom: str, folder: Path, name: str) -> None:
    """Download the dependencies of `pom` into `folder`, which must not exist; Maven verifies their checksums. `name` is
    used in errors. Raises StackError."""
    folder.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as unfinished:
        file, filled = Path(unfinished, "pom.xml"), Path(unfinished, "jars")
        file.write_text(pom)
        command = ["mvn", "--batch-mode", "--quiet", "--strict-checksums", "--update-snapshots", "--file", str(file)]
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={filled}"]
        for tries_left in reversed(range(TRIES)):
            try:
                run([*command, *goal], f"download {name}")
                break
            except StackError as error:  # a failed download may succeed on retry
                if not tries_left:
                    raise
                print(f"{error}\nretrying in {PAUSE:.0f} s", file=sys.stderr, flush=True)
                time.sleep(PAUSE)
        filled.rename(folder)


def run(command: list[str | Path], purpose: str) -> None:
    """Run a command. Raises StackError with the end of its output."""
    try:
        subprocess.run(command, capture_output=True, check=True, text=True, timeout=SECONDS)
    except subprocess.CalledProcessError as error:
        end = (error.stdout + error.stderr).splitlines()[-5:]
        raise StackError("\n    ".join([f"{command[0]} could not {purpose}:", *end])) from None
    except subprocess.TimeoutExpired:
        raise StackError(f"{command[0]} could not {purpose} within {SECONDS:.0f} s.") from None
