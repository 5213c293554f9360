"""Node.js with the generators that are on npm, and the jar of the one that is not. Both are kept in .clients/."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from dev import maven
from dev.part import ROOT, StackError

HERE = Path(__file__).parent
CACHE = ROOT / ".clients"
OLDEST_NODE = (22, 18)
"""orval and openapi-ts require it."""
VERSION = "7.25.0"
POM = f"""<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>tests</groupId><artifactId>clients</artifactId><version>{VERSION}</version>
  <dependencies>
    <dependency><groupId>org.openapitools</groupId><artifactId>openapi-generator-cli</artifactId><version>{VERSION}</version>
      <exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions></dependency>
  </dependencies>
</project>
"""
SECONDS = 300


class NotInstalled(StackError):
    """A program is missing that neither npm nor Maven downloads."""


def node_folder() -> Path:
    """Return the folder of `node` and `npm`: .node/bin, which the Makefile creates, or one in PATH. Raises
    NotInstalled."""
    for folder in (str(ROOT / ".node/bin"), os.environ["PATH"]):
        found = shutil.which("node", path=folder)
        if found and shutil.which("npm", path=folder):
            version = subprocess.run([found, "--version"], capture_output=True, text=True).stdout.strip()
            major, minor, *_ = version.removeprefix("v").split(".")
            if (int(major), int(minor)) >= OLDEST_NODE:
                return Path(found).parent
    raise NotInstalled("Node.js 22.18 or later is required, in .node/bin or in PATH.")


def node_modules() -> Path:
    """Return a folder with node_modules as in package-lock.json; npm fills it on the first call. Raises StackError."""
    files = [HERE / name for name in ("package.json", "package-lock.json", ".npmrc")]
    folder = CACHE / hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]
    if folder.exists():
        return folder
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as name:
        unfinished = Path(name, "npm")
        unfinished.mkdir()
        for file in files:
            shutil.copy(file, unfinished)
        run(["npm", "ci"], unfinished)
        unfinished.rename(folder)
    return folder


def java() -> list[str]:
    """Return the command of openapi-generator; Maven downloads it on the first call. Raises StackError."""
    folder = CACHE / f"openapi-generator-{VERSION}"
    for program in ("java",) if folder.exists() else ("java", "mvn"):
        if not shutil.which(program):
            raise NotInstalled(f"{program} is not installed: openapi-generator needs Java 11 and Maven.")
    if not folder.exists():
        maven.fetch(POM, folder, "openapi-generator")
    [jar] = folder.glob("*.jar")
    return ["java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-jar", str(jar)]


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> None:
    """Run a command with Node.js and the packages' programs in PATH. Raises StackError with its output."""
    path = [str(node_folder()), str(folder.parent / "node_modules/.bin"), os.environ["PATH"]]
    env = {**os.environ, **(environment or {}), "PATH": os.pathsep.join(path), "NO_COLOR": "1", "CI": "1"}
    ended = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=SECONDS)
    if ended.returncode:
        raise StackError(f"{' '.join(command)} failed:\n{ended.stdout}{ended.stderr}")
