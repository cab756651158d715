"""What a sandbox host is: hardware, deployment, limits and what it declares; presets, and hidden ones drawn from a key.

Step time of a batch (seconds): (weight bytes + KV bytes read) / (bandwidth x MBU) + launch overhead, or the batch's
arithmetic where that is longer; prefill shares the step. Units: GB = 1e9 bytes, TB/s, TFLOPS (dense bf16). Bandwidth
and peak are data-sheet values of `tracker/data/accelerators.csv`; the utilisations are round and assumed.
"""

import random
from dataclasses import dataclass, replace

from tracker.errors import UsageError

MBU, MFU = 0.6, 0.45  # shares of the data-sheet peak that serving stacks reach
WEIGHT_BYTES = {"fp32": 4.0, "bf16": 2.0, "fp8": 1.0, "int8": 1.0, "int4": 0.56, "int2": 0.31}
MEMORY_SHARE = 0.9  # of the card that weights and KV cache may use


@dataclass(frozen=True, slots=True)
class Hardware:
    """One accelerator."""

    name: str
    bandwidth_tb_s: float
    bf16_tflops: float
    memory_gb: float


H100 = Hardware("H100-SXM", 3.35, 989.0, 80.0)
A100 = Hardware("A100-80-SXM", 2.039, 312.0, 80.0)


@dataclass(frozen=True, slots=True)
class Host:
    """One sandbox host. `precision` is what it runs, `declared_precision` what it says."""

    name: str
    hardware: Hardware = H100
    gpus: int = 1
    active_params_b: float = 8.0
    total_params_b: float = 8.0
    kv_bytes_per_token: float = 131_072.0  # 32 layers x 8 KV heads x 128 x 2 x 2 bytes
    checkpoint: int = 0
    drift: float = 0.0
    precision: str = "bf16"
    declared_precision: str = "bf16"
    kernel_noise: float = 0.02  # sd of the logit noise that other kernels and batch orders make
    draft_tokens: int = 0  # speculative decoding: tokens proposed per step; 0 is off
    overhead_s: float = 0.0015
    prefill_chunk: int = 2048
    other_load: int = 0  # sequences of other customers always in the batch
    other_context: int = 1000
    max_batch: int = 256
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    max_concurrency: int | None = None
    cap_tok_s: float | None = None  # throttle: no stream gets more
    network_ms: float = 5.0
    input_usd_per_mtok: float = 0.10
    output_usd_per_mtok: float = 0.40

    def weight_gb(self) -> float:
        return self.total_params_b * WEIGHT_BYTES[self.precision]

    def kv_room_tokens(self) -> int:
        """Tokens of KV cache that fit beside the weights, those of other customers taken off."""
        room_gb = self.gpus * self.hardware.memory_gb * MEMORY_SHARE - self.weight_gb()
        return int(room_gb * 1e9 / self.kv_bytes_per_token) - self.other_load * self.other_context

    def step_s(self, sequences: int, context_tokens: int, prefill_tokens: int) -> float:
        """How long one step takes that decodes these sequences and prefills these tokens."""
        decoding = sequences + self.other_load
        verified = decoding * (1 + self.draft_tokens)
        read_gb = self.active_params_b * WEIGHT_BYTES[self.precision]
        held = context_tokens + self.other_load * self.other_context
        memory_s = (read_gb + held * self.kv_bytes_per_token / 1e9) / (
            1000 * self.gpus * self.hardware.bandwidth_tb_s * MBU
        )
        flops = 2e9 * self.active_params_b * (verified + prefill_tokens)
        return max(memory_s, flops / (1e12 * self.gpus * self.hardware.bf16_tflops * MFU)) + self.overhead_s


PRESETS = {
    host.name: host
    for host in (
        Host("fast"),
        Host("reference", hardware=A100, gpus=2, input_usd_per_mtok=0.2, output_usd_per_mtok=0.8),
        Host(
            "free",
            hardware=A100,
            other_load=40,
            requests_per_minute=20,
            tokens_per_minute=60_000,
            max_concurrency=4,
            cap_tok_s=30.0,
            input_usd_per_mtok=0.0,
            output_usd_per_mtok=0.0,
        ),
        Host("speculative", draft_tokens=4),
        Host("int4", precision="int4", input_usd_per_mtok=0.04, output_usd_per_mtok=0.12),
        Host("fp8", precision="fp8", declared_precision="fp8", input_usd_per_mtok=0.08, output_usd_per_mtok=0.3),
        Host("finetune", drift=0.05),
        Host("other", checkpoint=11),
    )
}


def preset(name: str) -> Host:
    try:
        return PRESETS[name]
    except KeyError:
        raise UsageError(f"no sandbox host {name!r}: one of {', '.join(PRESETS)}") from None


def hidden_hosts(key: str, count: int) -> list[Host]:
    """Hosts drawn from a key: the same key draws the same hosts, and without it nobody knows them."""
    rng = random.Random(f"sandbox:{key}")
    return [_draw(rng, f"h{number:03d}") for number in range(count)]


def _draw(rng: random.Random, name: str) -> Host:
    """Independent choices, so that no property predicts another; half of everything is honest."""
    host = Host(
        name,
        hardware=rng.choice((H100, A100)),
        gpus=rng.choice((1, 2)),
        kernel_noise=rng.choice((0.0, 0.01, 0.02, 0.03)),
        other_load=rng.choice((0, 8, 32)),
        other_context=rng.choice((500, 2000)),
        network_ms=rng.choice((2.0, 10.0, 30.0)),
        overhead_s=rng.choice((0.001, 0.003)),
        precision=rng.choice(("bf16", "bf16", "bf16", "fp8", "int4", "int4")),
        draft_tokens=rng.choice((0, 0, 0, 2, 4)),
    )
    throttle = rng.choice(("", "", "", "requests", "speed", "concurrency"))
    if throttle == "requests":
        return replace(host, requests_per_minute=rng.choice((20, 30)))
    if throttle == "speed":
        return replace(host, cap_tok_s=rng.choice((20.0, 35.0)))
    return replace(host, max_concurrency=rng.choice((2, 4))) if throttle else host
