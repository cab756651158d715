"""The hosts of the lab: how weights are stored and in which order and precision products are summed.

Honest variants keep the trained weights and differ in arithmetic only; the others round the weights (and for fp8 the
activations), or are another model. Every dishonest variant computes in bf16, as hosts do.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from bench.audit_lab.model import Arithmetic, Shape, Weights

FP8_MAX = 448.0


class Bf16(Arithmetic):
    """Weights and activations in bf16, sums in fp32 inside one product."""


class SplitK(Arithmetic):
    """bf16 with each product split over K into `parts` and the partial sums rounded to bf16 and added.

    What tensor-parallel all-reduces and split-K kernels do. `shuffle` adds them in an order drawn per request: the
    nondeterminism of atomics and of other people's requests in the batch.
    """

    def __init__(self, parts: int, shuffle: bool, seed: int = 0) -> None:
        self.parts, self.shuffle = parts, shuffle
        self.generator = torch.Generator().manual_seed(seed)
        self.order = list(range(parts))

    def begin(self) -> None:
        if self.shuffle:
            self.order = torch.randperm(self.parts, generator=self.generator).tolist()

    def linear(self, x: Tensor, weight: Tensor) -> Tensor:
        xs, ws = x.chunk(self.parts, -1), weight.chunk(self.parts, -1)
        total: Tensor | None = None
        for part in self.order:
            product = functional.linear(xs[part], ws[part])
            total = product if total is None else total + product
        assert total is not None
        return total


class ByBatch(SplitK):
    """bf16 with the split chosen by the size of the batch, as engines pick kernels: strangers change the sums."""

    def __init__(self) -> None:
        super().__init__(1, shuffle=False)

    def linear(self, x: Tensor, weight: Tensor) -> Tensor:
        self.parts = 1 if x.shape[0] == 1 else 2 if x.shape[0] < 8 else 4
        self.order = list(range(self.parts))
        return super().linear(x, weight)


class Eager(Arithmetic):
    """bf16 with attention written out (scores and softmax rounded to bf16) and norms in bf16: an older engine."""

    def norm(self, x: Tensor, weight: Tensor) -> Tensor:
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * weight

    def attend(self, q: Tensor, k: Tensor, v: Tensor, offset: int) -> Tensor:
        scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
        allowed = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool).tril(offset)
        return scores.masked_fill(~allowed, float("-inf")).softmax(-1) @ v


class Fp8(Arithmetic):
    """Activations in e4m3 with one scale per token, weights already rounded; products in bf16."""

    def linear(self, x: Tensor, weight: Tensor) -> Tensor:
        if weight.shape[0] > 1500:  # the head stays in bf16, as in the usual checkpoints
            return functional.linear(x, weight)
        scale = x.abs().amax(-1, keepdim=True).clamp(min=1e-6).float() / FP8_MAX
        return functional.linear(((x.float() / scale).to(torch.float8_e4m3fn).float() * scale).to(x.dtype), weight)


def rounded_fp8(weight: Tensor) -> Tensor:
    """e4m3 with one scale per output row."""
    scale = weight.abs().amax(1, keepdim=True).clamp(min=1e-9) / FP8_MAX
    return (weight / scale).to(torch.float8_e4m3fn).float() * scale


def rounded_int(weight: Tensor, bits: int, group: int) -> Tensor:
    """Round to nearest with one scale and offset per `group` inputs (0: per row, -1: for the whole matrix)."""
    rows, columns = weight.shape
    size = {0: columns, -1: rows * columns}.get(group, group)
    if columns % size and group > 0:
        size //= 2  # 704 inputs divide by 64, not by 128
    blocks = weight.reshape(-1, size)
    low, high = blocks.amin(-1, keepdim=True), blocks.amax(-1, keepdim=True)
    scale = ((high - low) / (2**bits - 1)).clamp(min=1e-9)
    return (((blocks - low) / scale).round() * scale + low).reshape(rows, columns)


@dataclass(frozen=True, slots=True)
class Host:
    """One served variant. `kind`: reference, honest (learnt from), held_out (honest, not learnt from) or altered."""

    name: str
    kind: str
    shape: Shape
    weights: Weights
    how: Arithmetic
    batch: bool = True  # requests that wait at the same time share a batch


def quantized(weights: Weights, bits: int, group: int) -> Weights:
    """Every matrix but the embedding rounded to integers."""
    return {
        name: rounded_int(w, bits, group) if w.dim() == 2 and name != "embedding" else w for name, w in weights.items()
    }


def in_bf16(weights: Weights) -> Weights:
    return {name: tensor.to(torch.bfloat16) for name, tensor in weights.items()}


def hosts(models: dict[str, tuple[Shape, Weights]]) -> list[Host]:
    """All variants of the lab, the reference first."""
    shape, full = models["full"]
    half = in_bf16(full)
    fp8 = {name: rounded_fp8(w) if w.dim() == 2 and name != "embedding" else w for name, w in full.items()}
    small, sibling = models["sibling"]
    altered = [
        ("int8 per row", quantized(full, 8, 0), Bf16()),
        ("fp8 e4m3 w+a", fp8, Fp8()),
        ("int6 g64", quantized(full, 6, 64), Bf16()),
        ("int5 g64", quantized(full, 5, 64), Bf16()),
        ("int4 g64", quantized(full, 4, 64), Bf16()),
        ("int4 g128", quantized(full, 4, 128), Bf16()),
        ("int4 per row", quantized(full, 4, 0), Bf16()),
        ("int4 one scale per matrix", quantized(full, 4, -1), Bf16()),
        ("int3 g64", quantized(full, 3, 64), Bf16()),
        ("int2 g64", quantized(full, 2, 64), Bf16()),
    ]
    return [
        Host("fp32", "reference", shape, full, Arithmetic()),
        Host("bf16", "honest", shape, half, Bf16(), batch=False),
        Host("bf16, split K, random order", "honest", shape, half, SplitK(2, shuffle=True)),
        Host("bf16, kernel by batch size", "held_out", shape, half, ByBatch()),
        Host("bf16, other kernel", "held_out", shape, half, Eager()),
        Host("bf16, 4-way tensor parallel", "held_out", shape, half, SplitK(4, shuffle=True, seed=5)),
        *(Host(name, "altered", shape, in_bf16(weights), how) for name, weights, how in altered),
        Host("fine-tuned", "altered", shape, in_bf16(models["finetuned"][1]), Bf16()),
        Host("smaller sibling", "altered", small, in_bf16(sibling), Bf16()),
    ]
