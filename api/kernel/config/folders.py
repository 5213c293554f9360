"""Folders that settings name."""

from pathlib import Path

ROOT = Path(__file__).parents[3]
STAND_IN = "web/public"


def read_web_folder(text: str) -> Path:
    """Return the folder with the index.html of the built application: the folder itself, or its `browser`, where
    Angular's builder puts it. A relative path starts at the project. Raises ValueError."""
    folder = ROOT / text
    found = next((each for each in (folder, folder / "browser") if (each / "index.html").is_file()), None)
    if found is None and text != STAND_IN:  # a deployment of the API alone may leave out web/
        raise ValueError("names a folder without index.html; build the application first, or remove the variable.")
    return found or folder
