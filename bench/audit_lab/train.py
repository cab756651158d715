"""Train the small model, its smaller sibling and a fine-tuned copy; keep them outside the repository.

About ten minutes on two idle cores the first time, nothing afterwards; counted in steps, so that a busy machine takes
longer and learns the same. The folder is AUDIT_LAB_HOME, else ~/.cache/inference-price-tracker/audit-lab.
"""

import math
import os
import sys
import time
from pathlib import Path

import torch
from torch.nn import functional

from bench.audit_lab.home import lab_home
from bench.audit_lab.model import Arithmetic, Shape, Weights, forward, new_weights
from bench.audit_lab.text import Tokenizer, load_tokenizer, manual_pages, python_source

FULL = Shape()
SIBLING = Shape(width=160, layers=2, heads=4, hidden=448)
BATCH = 24


def batches(ids: torch.Tensor, context: int, seed: int) -> torch.Tensor:
    """One batch of windows, inputs and their next tokens together."""
    starts = torch.randint(len(ids) - context - 1, (BATCH,), generator=torch.Generator().manual_seed(seed))
    return torch.stack([ids[start : start + context + 1] for start in starts])


def train(shape: Shape, weights: Weights, ids: torch.Tensor, steps: int, peak: float, label: str) -> Weights:
    """AdamW with a cosine over the steps; products in bf16, master weights in fp32."""
    for tensor in weights.values():
        tensor.requires_grad_(True)
    optimizer = torch.optim.AdamW(weights.values(), lr=peak, betas=(0.9, 0.95), weight_decay=0.05)
    started, mean = time.monotonic(), 8.0
    for step in range(steps):
        rate = peak * min(1.0, (step + 1) / 40) * (0.05 + 0.95 * (1 + math.cos(math.pi * step / steps)) / 2)
        for group in optimizer.param_groups:
            group["lr"] = rate
        window = batches(ids, shape.context, step)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = forward(shape, weights, window[:, :-1], Arithmetic())
        loss = functional.cross_entropy(logits.flatten(0, 1), window[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(weights.values()), 1.0)
        optimizer.step()
        mean += 0.05 * (loss.item() - mean)
        if (step + 1) % 50 == 0:
            spent = time.monotonic() - started
            print(f"{label}: step {step + 1}, {spent:.0f} s, loss {mean:.3f}", file=sys.stderr, flush=True)
    return {name: tensor.detach() for name, tensor in weights.items()}


def keep(weights: Weights, path: Path) -> None:
    """Under its name only when it is whole."""
    torch.save(weights, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


def load_text() -> tuple[Tokenizer, torch.Tensor, torch.Tensor]:
    """The tokenizer, training tokens and held-out tokens (the last twentieth)."""
    home = lab_home()
    text = manual_pages(24_000_000)
    tokenizer = load_tokenizer(home, text, FULL.vocabulary)
    path = home / "manual.pt"
    if not path.exists():
        torch.save(torch.tensor(tokenizer.encode(text), dtype=torch.int32), path)
    ids = torch.load(path).long()
    cut = len(ids) * 19 // 20
    return tokenizer, ids[:cut], ids[cut:]


def load_weights() -> dict[str, tuple[Shape, Weights]]:
    """`full`, `sibling` and `finetuned`, trained the first time."""
    home = lab_home()
    tokenizer, ids, _ = load_text()
    models: dict[str, tuple[Shape, Weights]] = {}
    for name, shape, steps in (("full", FULL, 600), ("sibling", SIBLING, 300)):
        path = home / f"{name}.pt"
        if not path.exists():
            keep(train(shape, new_weights(shape, 1), ids, steps, 3e-3, name), path)
        models[name] = (shape, torch.load(path))
    path = home / "finetuned.pt"
    if not path.exists():
        copy = {key: tensor.clone() for key, tensor in models["full"][1].items()}
        other = torch.tensor(tokenizer.encode(python_source(2_000_000)))
        keep(train(FULL, copy, other, 60, 2e-4, "finetuned"), path)
    models["finetuned"] = (FULL, torch.load(path))
    return models


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("AUDIT_LAB_THREADS", "2")))
    load_weights()
