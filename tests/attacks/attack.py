"""What an attack is, and the list of all. An attack returns when the product held, and raises Broken when not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.attacks.world import World


class Broken(AssertionError):
    """The promise was broken; the message is the evidence."""


class Skipped(Exception):
    """The attack cannot run here; the message says what is missing."""


@dataclass(frozen=True)
class Attack:
    """`waits`: mostly waits for deadlines and runs beside others. `alone`: measures, or harms what others use."""

    point: int
    run: "Callable[[World], None]"
    waits: bool
    alone: bool

    @property
    def name(self) -> str:
        return self.run.__name__

    @property
    def promise(self) -> str:
        return (self.run.__doc__ or "").split("\n")[0].rstrip(".")


ATTACKS: list[Attack] = []


def attack(
    point: int, *, waits: bool = False, alone: bool = False
) -> "Callable[[Callable[[World], None]], Callable[[World], None]]":
    """Put a function into the list, under the number of its point."""

    def note(run: "Callable[[World], None]") -> "Callable[[World], None]":
        ATTACKS.append(Attack(point, run, waits, alone))
        return run

    return note


def held(condition: object, evidence: object) -> None:
    """Raise Broken with the evidence unless the condition is true."""
    if not condition:
        raise Broken(str(evidence)[:600])


def none_broken(found: Mapping[str, object]) -> None:
    """Raise Broken with every variation that got through; an empty mapping is what is wanted."""
    shown = "; ".join(f"{name}: {evidence}" for name, evidence in list(found.items())[:6])
    held(not found, f"{len(found)} variations: {shown}")
