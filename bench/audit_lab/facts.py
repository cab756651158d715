"""Facts about the lab that no client could know: held-out prompts of equal length, and each host's true KL.

`python -m bench.audit_lab.facts COUNT` prints one JSON object: {"prompts": [...], "hosts": {slug: {...}}}.
"""

import json
import sys
from typing import Any

import torch

from bench.audit_lab.model import forward
from bench.audit_lab.server import slug
from bench.audit_lab.text import Tokenizer
from bench.audit_lab.train import load_text, load_weights
from bench.audit_lab.variants import Host, hosts

PROMPT_TOKENS = 24
WINDOWS = 60


def held_out_prompts(tokenizer: Tokenizer, ids: torch.Tensor, count: int) -> list[str]:
    """Pieces of unseen text that encode to exactly PROMPT_TOKENS tokens, so that hosts can batch them."""
    prompts: list[str] = []
    for start in range(0, len(ids) - PROMPT_TOKENS, PROMPT_TOKENS):
        piece = ids[start : start + PROMPT_TOKENS].tolist()
        text = tokenizer.decode(piece)
        if tokenizer.encode(text) == piece and text not in prompts[-50:]:
            prompts.append(text)
        if len(prompts) == count:
            break
    return list(dict.fromkeys(prompts))


def distances(variants: list[Host], ids: torch.Tensor) -> dict[str, dict[str, Any]]:
    """Mean KL(reference || host) in nats per token over held-out text, and how often the best token agrees."""
    starts = torch.linspace(0, len(ids) - 129, WINDOWS).long()
    windows = torch.stack([ids[start : start + 128] for start in starts])
    found: dict[str, dict[str, Any]] = {}
    reference: torch.Tensor | None = None
    with torch.inference_mode():
        for host in variants:
            host.how.begin()
            logprobs = forward(host.shape, host.weights, windows, host.how).log_softmax(-1)
            reference = logprobs if reference is None else reference
            kl = (reference.exp() * (reference - logprobs)).sum(-1).mean()
            same = (logprobs.argmax(-1) == reference.argmax(-1)).float().mean()
            found[slug(host.name)] = {"name": host.name, "kind": host.kind, "kl": float(kl), "same_top": float(same)}
    return found


def main() -> None:
    """Print the facts."""
    tokenizer, _, held_out = load_text()
    prompts = held_out_prompts(tokenizer, held_out, int(sys.argv[1]))
    print(json.dumps({"prompts": prompts, "hosts": distances(hosts(load_weights()), held_out)}))


if __name__ == "__main__":
    main()
