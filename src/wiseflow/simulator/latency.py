"""How long a provider takes to answer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist
from types import MappingProxyType

from wiseflow.core.errors import InvalidInput
from wiseflow.simulator.calls import CallKind


class Shape(StrEnum):
    """How latencies are spread about their mean."""

    CONSTANT = "constant"
    UNIFORM = "uniform"
    LOGNORMAL = "lognormal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """A distribution of latencies.

    Args:
        mean_s: in simulated seconds.
        shape: constant, uniform or lognormal.
        spread: uniform: the half width as a share of the mean, up to 1; lognormal: the standard
            deviation of the logarithm.

    Raises:
        InvalidInput: a mean or a spread that no time can have.
    """

    mean_s: float
    shape: Shape = Shape.CONSTANT
    spread: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.mean_s < math.inf:
            raise InvalidInput(f"{self.mean_s:g} s is no latency", cure="Give seconds from 0 up")
        most = 1.0 if self.shape is Shape.UNIFORM else math.inf
        if not 0 <= self.spread <= most or math.isinf(self.spread):
            raise InvalidInput(
                f"a spread of {self.spread:g} cannot be", cure=f"Give a number from 0 to {most:g}"
            )

    def draw(self, unit: float) -> float:
        """Seconds, by a number from 0 to below 1.

        Source: the inverse of the distribution function; a lognormal variable's mean is
        exp(μ + σ²/2).
        """
        if self.shape is Shape.CONSTANT or self.mean_s == 0:
            return self.mean_s
        if self.shape is Shape.UNIFORM:
            return self.mean_s * (1 + self.spread * (2 * unit - 1))
        location = math.log(self.mean_s) - self.spread**2 / 2
        return math.exp(
            location + self.spread * NormalDist().inv_cdf(min(max(unit, 1e-9), 1 - 1e-9))
        )


# What the issue that asked for the simulator names: medians of hosted services.
LATENCIES: Mapping[CallKind, Latency] = MappingProxyType(
    {
        CallKind.MODEL: Latency(mean_s=1.3),
        CallKind.SEARCH: Latency(mean_s=0.6),
        CallKind.PAGE: Latency(mean_s=0.4),
        CallKind.EMBED: Latency(mean_s=0.1),
        CallKind.INFO: Latency(mean_s=0.0),
    }
)
