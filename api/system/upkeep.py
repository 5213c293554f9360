"""Periodic work of health checks."""

from api.kernel import Sweep
from api.system.measuring import SECONDS, measure

sweeps = [Sweep(measure, SECONDS)]
