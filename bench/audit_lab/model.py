"""A decoder-only transformer in the Llama shape (RMSNorm, rotary positions, SwiGLU, tied embeddings), forward by hand.

Every product and every rounding goes through one `Arithmetic`, so that a variant of a host (kernel, order of
summation, precision of weights or activations) is a small object and the model is written once.
"""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Shape:
    """Size of a model."""

    vocabulary: int = 2048
    width: int = 256
    layers: int = 4
    heads: int = 4
    hidden: int = 704
    context: int = 128


Weights = dict[str, Tensor]


class Arithmetic:
    """Products in the weights' own type: fp32 for the reference, bf16 where the weights are bf16."""

    def begin(self) -> None:
        """Called once per request, for variants that draw something per request."""

    def linear(self, x: Tensor, weight: Tensor) -> Tensor:
        return functional.linear(x, weight)

    def norm(self, x: Tensor, weight: Tensor) -> Tensor:
        wide = x.float()
        return ((wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-5)).to(x.dtype)) * weight

    def attend(self, q: Tensor, k: Tensor, v: Tensor, offset: int) -> Tensor:
        if q.shape[2] == 1:
            return functional.scaled_dot_product_attention(q, k, v)
        if offset == 0:
            return functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        mask = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool).tril(offset)
        return functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)


def new_weights(shape: Shape, seed: int) -> Weights:
    """Random weights of the usual scale."""
    generator = torch.Generator().manual_seed(seed)

    def normal(rows: int, columns: int, scale: float = 0.02) -> Tensor:
        return torch.randn(rows, columns, generator=generator) * scale

    weights = {"embedding": normal(shape.vocabulary, shape.width), "norm": torch.ones(shape.width)}
    out = 0.02 / math.sqrt(2 * shape.layers)
    for layer in range(shape.layers):
        weights |= {
            f"{layer}.norm1": torch.ones(shape.width),
            f"{layer}.norm2": torch.ones(shape.width),
            f"{layer}.qkv": normal(3 * shape.width, shape.width),
            f"{layer}.out": normal(shape.width, shape.width, out),
            f"{layer}.gate_up": normal(2 * shape.hidden, shape.width),
            f"{layer}.down": normal(shape.width, shape.hidden, out),
        }
    return weights


def rotate(x: Tensor, offset: int) -> Tensor:
    """Rotary positions from `offset` on; computed in fp32, like every serving engine does."""
    half = x.shape[-1] // 2
    rates = 10000.0 ** (-torch.arange(half, dtype=torch.float32) / half)
    angles = (torch.arange(x.shape[2], dtype=torch.float32) + offset)[:, None] * rates
    cos, sin = angles.cos(), angles.sin()
    a, b = x[..., :half].float(), x[..., half:].float()
    return torch.cat((a * cos - b * sin, a * sin + b * cos), -1).to(x.dtype)


@dataclass(slots=True)
class Cache:
    """Keys and values of the tokens seen so far, per layer."""

    keys: list[Tensor] = field(default_factory=list)
    values: list[Tensor] = field(default_factory=list)

    @property
    def length(self) -> int:
        return self.keys[0].shape[2] if self.keys else 0


def forward(shape: Shape, weights: Weights, tokens: Tensor, how: Arithmetic, cache: Cache | None = None) -> Tensor:
    """Logits in fp32, (batch, tokens, vocabulary). With a cache, `tokens` continue what it holds."""
    batch, length = tokens.shape
    head = shape.width // shape.heads
    offset = cache.length if cache else 0
    first = cache is not None and offset == 0
    x = weights["embedding"][tokens]
    for layer in range(shape.layers):
        y = how.norm(x, weights[f"{layer}.norm1"])
        mixed = how.linear(y, weights[f"{layer}.qkv"]).view(batch, length, 3, shape.heads, head)
        q, k, v = (mixed[:, :, part].transpose(1, 2) for part in range(3))
        q, k = rotate(q, offset), rotate(k, offset)
        if cache is not None:
            if first:
                cache.keys.append(k)
                cache.values.append(v)
            else:
                cache.keys[layer] = k = torch.cat((cache.keys[layer], k), 2)
                cache.values[layer] = v = torch.cat((cache.values[layer], v), 2)
        seen = how.attend(q, k, v, offset).transpose(1, 2).reshape(batch, length, shape.width)
        x = x + how.linear(seen, weights[f"{layer}.out"])
        y = how.norm(x, weights[f"{layer}.norm2"])
        gate, up = how.linear(y, weights[f"{layer}.gate_up"]).chunk(2, -1)
        x = x + how.linear(functional.silu(gate) * up, weights[f"{layer}.down"])
    return how.linear(how.norm(x, weights["norm"]), weights["embedding"]).float()
