"""What a worker is made of - a chip, how it is cut, what its software reaches - and what its chips say to each other.

A worker is `tp * pp` chips that hold one copy of the weights; replicas of it are data parallelism. Units: bytes,
seconds, FLOPs, tokens; numbers or arrays that broadcast.

Ring all-reduce moves 2(n-1)/n of the vector per chip; dispatch and combine of experts move k copies of it.
"""

from dataclasses import dataclass

import numpy as np

from tracker.cost.arrays import Array
from tracker.cost.shape import Shape

ACTIVATION_BYTES = 2.0
SCALEOUT_BYTES_S = 50e9  # one 400 Gb/s port per GPU: the usual fabric between scale-up domains
FABRIC_SHARE = 0.85  # of it that collectives reach: 43 GB/s in the DeepEP release notes, 2025-02


@dataclass(frozen=True, slots=True)
class Chip:
    """What one accelerator can do: memory bytes, bytes/s, FLOP/s at the precision's unit, link bytes/s one way.

    `wide_flops` is the 16-bit rate: attention scores and values are multiplied at 16 bits whatever the weights are.
    """

    mem_bytes: Array
    bw: Array
    flops: Array
    link: Array
    world: Array
    wide_flops: Array


@dataclass(frozen=True, slots=True)
class Layout:
    """How one worker is cut: tensor parallel, pipeline stages, and whether attention is data parallel (0 or 1)."""

    tp: Array
    pp: Array = 1.0
    dp_attention: Array = 0.0


@dataclass(frozen=True, slots=True)
class Coefficients:
    """The fitted part: shares of the hardware's peak that a stack reaches, and its fixed times in seconds."""

    hbm: Array = 1.0
    kv: Array = 1.0
    mfu_prefill: Array = 1.0
    mfu_decode: Array = 1.0
    mfu_attention: Array = 1.0
    expert_mfu: Array = 1.0
    expert_mfu_prefill: Array = 1.0
    layer_s: Array = 0.0
    moe_layer_s: Array = 0.0
    recurrent_layer_s: Array = 0.0
    step_s: Array = 0.0
    sequence_s: Array = 0.0
    allreduce_s: Array = 0.0
    link: Array = 1.0
    exchange: Array = 1.0
    serial: Array = 0.0  # 0: compute hides behind memory; 1: the two add up
    scale: Array = 1.0  # what is left of a stack's speed after the terms above


IDEAL = Coefficients()


def link_bytes_s(chip: Chip, share: Array) -> Array:
    """Bytes per second and chip inside a scale-up domain; an unpublished link (0) takes no time of its own:

    it is then part of the stack's fixed time per layer.
    """
    return np.where(np.asarray(chip.link) > 0, chip.link, np.inf) * share


def fabric_bytes_s(chip: Chip) -> Array:
    """Bytes per second and chip between domains: the network, or the card's own bus where each chip is a domain."""
    bus = np.where(np.asarray(chip.link) > 0, chip.link, SCALEOUT_BYTES_S)
    return np.where(np.asarray(chip.world) > 1, SCALEOUT_BYTES_S, np.minimum(bus, SCALEOUT_BYTES_S)) * FABRIC_SHARE


def communication_s(shape: Shape, chip: Chip, layout: Layout, k: Coefficients, tokens: Array) -> Array:
    """Seconds of all-reduce (tensor parallel) or of dispatch and combine (expert parallel) for `tokens`.

    An all-reduce over several domains reduces inside each first, so every chip carries only its share between them.
    """
    n = layout.tp
    sent = shape.hidden * ACTIVATION_BYTES * tokens
    near = np.minimum(n, chip.world)
    domains = np.maximum(n / chip.world, 1.0)
    inside = sent * 2 * (near - 1) / near / link_bytes_s(chip, k.link)
    between = sent / near * 2 * (domains - 1) / domains / fabric_bytes_s(chip)
    reduced = (2 * shape.layers) * (k.allreduce_s * np.sqrt(n) + inside + between)
    # Inside a scale-up domain every chosen expert gets a copy; between domains one copy per domain is sent, to
    # four domains at most, and forwarded inside while the next is under way (DeepSeek-V3 report, section 3.2.2).
    copies = np.minimum(shape.experts_active, n) * (n - 1) / n / link_bytes_s(chip, k.exchange)
    far = np.minimum(np.minimum(shape.experts_active, domains), 4.0) * (domains - 1) / domains
    wire = sent * np.maximum(copies, np.where(domains > 1, far / fabric_bytes_s(chip), 0.0))
    exchanged = (2 * shape.moe_layers) * (k.allreduce_s * np.sqrt(n) + wire)
    return np.where(n > 1, np.where(layout.dp_attention > 0, exchanged, reduced), 0.0)
