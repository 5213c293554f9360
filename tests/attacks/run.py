"""Runs attacks: first the waiting ones beside the quick ones, then, one by one, those that measure or disturb."""

import re
import time
import traceback
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from tests.attacks import (  # noqa: F401  # their import fills ATTACKS
    addresses,
    cookies,
    credentials,
    deadlines,
    growth,
    hiding,
    links,
    load,
    names,
    promotion,
    quotas,
    refusals,
    sequences,
    settings,
    throttles,
    timing,
    tokens,
    upgrade,
)
from tests.attacks.attack import ATTACKS, Attack, Broken, Skipped
from tests.attacks.world import World


@dataclass(frozen=True)
class Verdict:
    attack: Attack
    held: bool
    evidence: str
    seconds: float


def chosen(words: Sequence[str]) -> list[Attack]:
    """Return the attacks whose number or name matches a word, by number; all without words."""
    fitting = [
        each
        for each in ATTACKS
        if not words or any(word == str(each.point) or (not word.isdigit() and word in each.name) for word in words)
    ]
    return sorted(fitting, key=lambda each: each.point)


def run(attacks: Sequence[Attack], folder: Path) -> Generator[Verdict, None, None]:
    """Yield a verdict for each attack as soon as it is known."""
    world = World(folder)
    try:
        alone = [each for each in attacks if each.alone]
        waiting = [each for each in attacks if each.waits]
        quick = [each for each in attacks if not each.alone and not each.waits]
        with ThreadPoolExecutor(len(waiting) or 1) as patient, ThreadPoolExecutor(4) as busy:
            jobs = [patient.submit(_one, each, world) for each in waiting]
            jobs += [busy.submit(_one, each, world) for each in quick]
            for job in as_completed(jobs):
                yield job.result()
        for each in alone:
            yield _one(each, world)
    finally:
        world.close()


def _one(each: Attack, world: World) -> Verdict:
    began = time.monotonic()
    try:
        each.run(world)
        good, evidence = True, ""
    except Skipped as reason:
        good, evidence = True, f"skipped: {reason}"
    except Broken as broken:
        good, evidence = False, str(broken)
    except Exception as error:  # noqa: BLE001 - an attack that fails in an unforeseen way has not held
        last = traceback.extract_tb(error.__traceback__)[-1]
        good, evidence = False, f"{type(error).__name__}: {str(error)[:400]} ({Path(last.filename).name}:{last.lineno})"
    return Verdict(each, good, evidence, time.monotonic() - began)


def told(verdict: Verdict) -> str:
    """Return one line: number, name, verdict, evidence."""
    word = "held" if verdict.held else "BROKEN"
    line = f"{verdict.attack.point:>2} {verdict.attack.name:<44} {word:<6} {verdict.seconds:5.1f} s  {verdict.evidence}"
    return re.sub(r"\s*\n\s*", " | ", line).rstrip()
