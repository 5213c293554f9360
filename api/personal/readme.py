"""README.txt of an export, in English and German."""

from collections.abc import Sequence
from datetime import datetime

from api.kernel import PersonalTable

ENGLISH = """\
YOUR DATA

This is a copy of the data that {application} stores about your account, as of {at}.
Each file is a JSON array with one record on each line; a file that would be longer than
1 GB is continued in a second one, such as activity-2.json. Times are in UTC.

{files}

Not included: your password, tokens and other secrets, of which mostly only digests are
stored; copies that exist for a short time until they are processed; and data of other
people, such as who an administrator is or which accounts you changed.
"""
GERMAN = """\
IHRE DATEN

Dies ist eine Kopie der Daten, die {application} zu Ihrem Konto speichert, Stand {at}.
Jede Datei ist ein JSON-Array mit einem Datensatz pro Zeile; eine Datei, die länger als
1 GB wäre, wird in einer zweiten fortgesetzt, etwa activity-2.json. Zeiten sind in UTC.

{files}

Nicht enthalten sind Ihr Passwort, Token und andere Geheimnisse, von denen meist nur
Prüfsummen gespeichert sind; Kopien, die nur kurz bis zu ihrer Verarbeitung bestehen; und
Daten anderer Personen, etwa wer ein Administrator ist oder welche Konten Sie geändert haben.
"""


def readme(application: str, tables: Sequence[PersonalTable], at: datetime) -> str:
    """Return the text, with a line for each file."""
    exported = [table for table in tables if table.exported]
    when = at.strftime("%Y-%m-%d %H:%M UTC")
    english = "\n".join(f"{table.exported_as}.json: {table.holds}" for table in exported)
    german = "\n".join(f"{table.exported_as}.json: {table.holds_de}" for table in exported)
    return (
        ENGLISH.format(application=application, at=when, files=english)
        + "\n\n"
        + GERMAN.format(application=application, at=when, files=german)
    )
