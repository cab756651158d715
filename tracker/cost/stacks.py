"""What a serving stack reaches of the hardware's peak: the fitted coefficients and how to look them up.

`data/stacks.csv` holds natural logarithms. A coefficient is its base value times the deviations of every group the
configuration belongs to (its accelerator, software family and year, model, ...). Deviations are shrunk towards zero by
a prior whose width is `PRIORS`, so a group with few rows says little and an unknown group says nothing: crossed random
effects, fitted by penalised least squares on log throughput.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np

from tracker.cost.arrays import Floats
from tracker.cost.facts import Accelerator, Model
from tracker.cost.measured import DAY_ZERO, Measurement
from tracker.cost.tables import read_rows
from tracker.cost.worker import Coefficients
from tracker.errors import DataFileError

# Where the fit starts; also the width of a parameter's own prior is one natural log unit.
BASE = {
    "hbm": 0.8,
    "kv": 0.8,
    "mfu_prefill": 0.45,
    "mfu_decode": 0.5,
    "mfu_attention": 0.3,
    "expert_mfu": 0.6,
    "expert_mfu_prefill": 0.7,
    "layer_s": 40e-6,
    "moe_layer_s": 40e-6,
    "recurrent_layer_s": 40e-6,
    "step_s": 1e-3,
    "sequence_s": 5e-6,
    "allreduce_s": 12e-6,
    "link": 0.5,
    "exchange": 0.5,
    "serial": 0.3,
    "mtp_accepted": 1.7,
    "server_slack": 1.15,
}

# (term, group, prior width in natural log units). A term moves the parameters named in MOVES.
PRIORS = (
    ("memory", "hardware", 0.075),
    ("memory", "family_year", 0.075),
    ("memory", "generation_family", 0.1),
    ("memory", "generation_precision", 0.05),
    ("flops", "hardware", 0.1),
    ("flops", "family_year", 0.125),
    ("flops", "family_precision", 0.075),
    ("flops", "generation_family", 0.1),
    ("flops", "generation_precision", 0.1),
    ("prefill", "family_year", 0.125),
    ("experts", "family_year", 0.15),
    ("expert_prefill", "family_year", 0.15),
    ("overhead", "family_year", 0.2),
    ("overhead", "generation_family", 0.1),
    ("overhead", "vendor", 0.15),
    ("overhead", "age", 0.25),
    ("moe_overhead", "family_year", 0.15),
    ("sequence", "family_year", 0.25),
    ("sequence", "model", 0.2),
    ("links", "family_year", 0.2),
    ("links", "hardware", 0.2),
    ("exchange", "family_year", 0.4),
    ("scale", "family_year", 0.1),
    ("scale", "generation_family", 0.1),
    ("scale", "model", 0.06),
    ("scale", "family_kind", 0.05),
    ("scale", "family_precision", 0.05),
    ("scale", "family_model", 0.1),
    ("scale", "age", 0.25),
)
MOVES = {
    "memory": (("hbm", 1),),
    "flops": (("mfu_prefill", 1), ("mfu_decode", 1), ("mfu_attention", 1)),
    "prefill": (("mfu_prefill", 1),),
    "experts": (("expert_mfu", 1),),
    "expert_prefill": (("expert_mfu_prefill", 1),),
    "overhead": (("layer_s", 1), ("moe_layer_s", 1), ("recurrent_layer_s", 1), ("step_s", 1)),
    "moe_overhead": (("moe_layer_s", 1),),
    "sequence": (("sequence_s", 1),),
    "links": (("allreduce_s", 1), ("link", -1), ("exchange", -1)),
    "exchange": (("exchange", 1),),
    "scale": (("scale", 1),),
}
VERIFIED_TOKENS = 2.5  # tokens checked per step by a multi-token-prediction stack: one drafted head, sometimes two


@dataclass(frozen=True, slots=True)
class Stack:
    """Which software served what on which chip: all that decides the fitted coefficients."""

    chip: Accelerator
    model: Model
    precision: str
    family: str
    when: date

    @classmethod
    def of(cls, m: Measurement) -> "Stack":
        return cls(m.chip, m.model, m.precision, m.family, m.date)


GENERATIONS = {
    "A100": "ampere",
    "A6000": "ampere",
    "L40S": "ada",
    "L4": "ada",
    "H": "hopper",
    "GH200": "hopper",
    "B200": "blackwell",
    "B300": "blackwell",
    "GB": "blackwell",
    "MI300": "cdna3",
    "MI325": "cdna3",
    "MI35": "cdna4",
    "MI250": "cdna2",
}


def generation(chip: Accelerator) -> str:
    found = [g for prefix, g in GENERATIONS.items() if chip.name.startswith(prefix)]
    return found[-1] if found else chip.name


def groups_of(stack: Stack) -> dict[str, str]:
    """The key of each group a stack belongs to."""
    family, model = stack.family, stack.model.slug
    young = (stack.when - stack.model.released).days < DAY_ZERO
    return {
        "hardware": stack.chip.name,
        "vendor": stack.chip.vendor,
        "family_year": f"{family}|{stack.when.year}",
        "family_precision": f"{family}|{stack.precision}",
        "family_kind": f"{family}|{'moe' if stack.model.experts else 'dense'}",
        "family_model": f"{family}|{model}",
        "generation_family": f"{generation(stack.chip)}|{family}",
        "generation_precision": f"{generation(stack.chip)}|{stack.precision}",
        "model": model,
        "age": "day-zero" if young else "mature",
    }


# The 2023-24 essays describe a custom stack: 63.5 % of HBM bandwidth and 2.06 ms per step reproduce their 220 and 280
# tokens/s/user on 8 A100 and 8 H100 (two unknowns, two speeds). Compute is what well tuned kernels reach.
OPTIMISED = Coefficients(
    hbm=0.635,
    kv=1.0,
    mfu_prefill=0.6,
    mfu_decode=0.6,
    mfu_attention=0.6,
    expert_mfu=1.0,
    expert_mfu_prefill=1.0,
    step_s=2.06e-3,
    link=0.8,
)

# Mixtral's own published speed, 500 tokens/s/user over 32 layers (SemiAnalysis 2024-02), not the middle of four models.
SRAM_MIXTRAL = Coefficients(layer_s=1 / (500 * 32))


def profile_of(stack: Stack) -> Coefficients | None:
    """The coefficients of a stack that is not fitted: the optimised one, or weights in SRAM over a pipeline of chips,

    where bandwidth is no limit and hops and scheduling take the chip's fixed time per layer.
    """
    if stack.family == "optimised":
        return OPTIMISED
    if stack.family == "sram-mixtral":
        return SRAM_MIXTRAL
    return Coefficients(layer_s=stack.chip.layer_us * 1e-6) if stack.family == "sram" else None


@dataclass(frozen=True, slots=True)
class StackRow:
    """One number of data/stacks.csv."""

    term: str
    group: str
    key: str
    log_value: float
    rows: int
    source: str
    as_of: date


@dataclass(frozen=True, slots=True)
class Fitted:
    """Base parameters and deviations, as logarithms, and the error quantiles of held-out rows."""

    base: dict[str, float]
    deviations: dict[tuple[str, str, str], float]
    errors: dict[tuple[str, str], float] = field(default_factory=dict)

    def coefficients(self, stacks: Sequence[Stack]) -> Coefficients:
        """Coefficients as columns, one row per stack."""
        logs = {name: np.full(len(stacks), value) for name, value in self.base.items()}
        logs["scale"] = np.zeros(len(stacks))
        memo: dict[Stack, dict[str, float]] = {}
        for i, stack in enumerate(stacks):
            moved = memo.get(stack)
            if moved is None:
                moved = memo[stack] = self._moved(stack)
            for name, value in moved.items():
                logs[name][i] += value
        return _with_profiles(to_coefficients(logs), stacks)

    def _moved(self, stack: Stack) -> dict[str, float]:
        keys = groups_of(self._in_known_year(stack))
        moved: dict[str, float] = {}
        for term, group, _ in PRIORS:
            value = self.deviations.get((term, group, keys[group]), 0.0)
            for name, sign in MOVES[term] if value else ():
                moved[name] = moved.get(name, 0.0) + sign * value
        return moved

    def _in_known_year(self, stack: Stack) -> Stack:
        """The stack with its date moved to the family's nearest fitted year (2027 runs at least 2026's software)."""
        years = self.known_years(stack.family)
        if not years or stack.when.year in years:
            return stack
        earlier = [year for year in years if year < stack.when.year]
        year = max(earlier) if earlier else min(years)
        return Stack(stack.chip, stack.model, stack.precision, stack.family, stack.when.replace(year=year, day=1))

    def known_years(self, family: str) -> list[int]:
        found = {key for term, group, key in self.deviations if (term, group) == ("scale", "family_year")}
        return sorted(int(k.rpartition("|")[2]) for k in found if k.rpartition("|")[0] == family)

    def mtp_accepted(self) -> float:
        return math.exp(self.base["mtp_accepted"])

    def server_slack(self) -> float:
        return math.exp(self.base["server_slack"])


def to_coefficients(logs: dict[str, Floats]) -> Coefficients:
    """Columns of logarithms as the kernel's coefficients."""
    values = {name: np.exp(column) for name, column in logs.items()}
    names = Coefficients.__dataclass_fields__
    return Coefficients(**{name: values[name] for name in names if name in values})


def _with_profiles(k: Coefficients, stacks: Sequence[Stack]) -> Coefficients:
    """Columns of coefficients with the rows of unfitted stacks put in."""
    fixed = {i: profile for i, stack in enumerate(stacks) if (profile := profile_of(stack)) is not None}
    for i, profile in fixed.items():
        for name in Coefficients.__dataclass_fields__:
            np.asarray(getattr(k, name))[i] = getattr(profile, name)
    return k


@cache
def fitted(folder: Path | None = None) -> Fitted:
    """The shipped fit."""
    base: dict[str, float] = {}
    deviations: dict[tuple[str, str, str], float] = {}
    errors: dict[tuple[str, str], float] = {}
    for row in read_rows("stacks.csv", StackRow, folder):
        if row.group == "base":
            base[row.term] = row.log_value
        elif row.group == "error":
            errors[row.term, row.key] = row.log_value
        elif row.term in MOVES:
            deviations[row.term, row.group, row.key] = row.log_value
        else:
            raise DataFileError(f"stacks.csv: term {row.term!r} is unknown")
    missing = sorted(set(BASE) - set(base))
    if missing:
        raise DataFileError(f"stacks.csv: base parameter {missing[0]!r} is missing")
    return Fitted(base, deviations, errors)


PROFILE_ERROR = {
    "optimised": {0.1: -0.1, 0.5: 0.0, 0.9: 0.1},  # ln(measured / predicted): the anchors reproduce within 10 %
    "sram": {0.1: -0.34, 0.5: 0.0, 0.9: 0.34},
    "sram-mixtral": {0.1: -0.1, 0.5: 0.0, 0.9: 0.1},  # 500 is a round figure
}

FAMILY_BY_VENDOR = {
    "NVIDIA": "trtllm",
    "AMD": "sglang",
    "Intel": "deepspeed",
}


def public_family(chip: Accelerator, when: date) -> str:
    """The public stack a seller would run on this vendor's chips at a date; AMD had only vLLM before 2025."""
    if chip.vendor == "AMD" and when.year < 2025:
        return "vllm"
    return FAMILY_BY_VENDOR.get(chip.vendor, "other")
