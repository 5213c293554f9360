"""`python -m dev.systemd FOLDER`: check the folder's units with systemd-analyze(1), if installed, as if the programs
that they start existed."""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


def complaints(folder: Path) -> str:
    """Return systemd's complaints about the units, or ""."""
    with tempfile.TemporaryDirectory() as copies:
        for unit in folder.glob("*.service"):
            started = re.sub("(?m)^ExecStart=.*$", f"ExecStart={sys.executable}", unit.read_text())
            Path(copies, unit.name).write_text(started)
        units = [str(unit) for unit in Path(copies).iterdir()]
        command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *units]
        return subprocess.run(command, capture_output=True, text=True, check=False).stderr


if __name__ == "__main__":
    if shutil.which("systemd-analyze"):
        sys.exit(complaints(Path(sys.argv[1])) or 0)
    print("check-deploy: systemd-analyze is not installed: the units were not checked")
