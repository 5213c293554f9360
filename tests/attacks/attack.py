"""The definition of an attack, and the list of all. An attack returns if the product resists, and raises Broken
otherwise."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.attacks.world import World


class Broken(AssertionError):
    """The attack succeeded; the message is the evidence."""


class Skipped(Exception):
    """The attack cannot run here; the message names the missing part."""


@dataclass(frozen=True)
class Attack:
    """`waits`: mostly waits for deadlines and runs beside others. `alone`: measures, or disturbs other attacks."""

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
    """Add a function to the list, under the number of its point."""

    def note(run: "Callable[[World], None]") -> "Callable[[World], None]":
        ATTACKS.append(Attack(point, run, waits, alone))
        return run

    return note


def held(condition: object, evidence: object) -> None:
    """Raise Broken with the evidence unless the condition is true."""
    if not condition:
        raise Broken(str(evidence)[:600])


def none_broken(found: Mapping[str, object]) -> None:
    """Raise Broken with every variation that succeeded; an empty mapping passes."""
    shown = "; ".join(f"{name}: {evidence}" for name, evidence in list(found.items())[:6])
    held(not found, f"{len(found)} variations: {shown}")
