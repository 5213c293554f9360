"""Folders that settings name."""

from pathlib import Path

ROOT = Path(__file__).parents[3]
BUILT = "web/dist"
STAND_IN = "web/public"


def read_web_folder(text: str) -> Path:
    """Return the folder with the index.html of the built application: the folder itself, or its `browser`, where
    Angular's builder puts it. A relative path starts at the project. Without a build in BUILT, the default, return that
    of the stand-in. Raises ValueError."""
    found = _with_index(ROOT / text)
    if found is None and text == BUILT:  # a deployment of the API alone may leave out web/
        return _with_index(ROOT / STAND_IN) or ROOT / STAND_IN
    if found is None:
        raise ValueError("names a folder without index.html; build the application first, or remove the variable.")
    return found


def _with_index(folder: Path) -> Path | None:
    return next((each for each in (folder, folder / "browser") if (each / "index.html").is_file()), None)
