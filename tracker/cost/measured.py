"""Public throughput measurements as rows, and how a row's words become a configuration the kernel can price.

The columns are those of `data/public_measurements.csv`. Traps that are handled here, each seen in a published table:
a node counted as tp x ep chips; disaggregated rows with separate prefill and decode workers; throughput at infinite
request rate, where the batch is what fits; wide expert parallelism, which always runs attention data parallel.
"""

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from io import StringIO
from pathlib import Path

import numpy as np

from tracker.cost.arrays import Floats
from tracker.cost.facts import Accelerator, Model, find_accelerator, find_model, find_precision
from tracker.cost.kernel import Chip, Layout, fitting_batch
from tracker.cost.shape import Shape, shape_of, stack_shapes
from tracker.cost.tables import data_text
from tracker.errors import CostError, DataFileError

SCHEDULER_BATCH = 1024.0  # default ceiling on running sequences of vLLM and TensorRT-LLM
DAY_ZERO = 21  # days after release within which kernels of a new architecture are not yet tuned

# Framework text -> family, first match wins; the text is the source's own word.
FAMILIES = (
    ("wideep", "wide-ep"),
    ("pd+ep", "wide-ep"),
    ("internal", "wide-ep"),
    ("dynamo-trt", "dynamo-trt"),
    ("dynamo-sglang", "dynamo-sglang"),
    ("mori", "mori-sglang"),
    ("atom", "atom"),
    ("trt", "trtllm"),
    ("tensorrt", "trtllm"),
    ("sglang", "sglang"),
    ("vllm", "vllm"),
    ("deepspeed", "deepspeed"),
)
PAGED_16_BIT_CACHE = {"sglang", "vllm", "deepspeed", "dynamo-sglang", "mori-sglang"}


@dataclass(frozen=True, slots=True)
class Measurement:
    """One published figure. `target` is output tokens/s, or tokens/s/user (kind user), or seconds (kind ttft)."""

    id: str
    source: str
    date: date
    chip: Accelerator
    model: Model
    precision: str
    family: str
    chips: float
    tp: float
    prompt: float
    output: float
    concurrency: float
    target: float
    kind: str
    speculative: bool
    server: bool
    disaggregated: bool
    note: dict[str, float]
    group: str


def family_of(framework: str, source: str) -> str:
    """The serving software family; MLPerf submissions are a family of their own, since each is tuned by its vendor."""
    if source.startswith("MLPerf"):
        return "mlperf"
    text = framework.lower()
    return next((family for word, family in FAMILIES if word in text), "other")


def precision_of(word: str, model: Model) -> str:
    """Our precision for a source's word: gpt-oss "fp4" is its native mxfp4; a trailing ? is the source's own doubt."""
    word = word.rstrip("?").partition("/")[0]
    return "mxfp4" if word == "fp4" and model.native_precision == "mxfp4" else word


def _number(text: str | None) -> float:
    return float(text) if text else 0.0


def _note(text: str) -> dict[str, float]:
    if not text.startswith("{"):
        return {}
    return {k: float(v) for k, v in json.loads(text).items() if isinstance(v, (int, float, bool))}


def parse_row(row: dict[str, str]) -> Measurement:
    """One CSV row; an unknown model or accelerator, or an unreadable number, is an error that names the row."""
    try:
        model = find_model(row["model"])
        out, user, first = (_number(row.get(k)) for k in ("out_tok_s", "tok_s_user", "ttft_s"))
        return Measurement(
            id=row["id"],
            source=row["source"],
            date=date.fromisoformat(row["date"]),
            chip=find_accelerator(row["hardware"]),
            model=model,
            precision=precision_of(row["precision"], model),
            family=family_of(row["framework"], row["source"]),
            chips=_number(row["n_chips"]) or _number(row["tp"]) or 1.0,
            tp=_number(row["tp"]),
            prompt=_number(row["in_len"]) or 1024.0,
            output=_number(row["out_len"]) or 256.0,
            concurrency=_number(row["concurrency"]),
            target={"user": user, "ttft": first}.get(row["kind"], out),
            kind=row["kind"],
            speculative=row["spec"] not in ("", "none"),
            server=any(word in row.get("scenario", "") for word in ("Server", "Interactive")),
            disaggregated=row["disagg"] == "1",
            note=_note(row.get("note", "")),
            group=row.get("group", ""),
        )
    except (KeyError, ValueError, CostError) as error:
        raise DataFileError(f"measurements: row {row.get('id')!r}: {error}") from error


def read_measurements(path: Path | None = None) -> list[Measurement]:
    """Rows of a measurement table (the project's own by default) that can be compared: not suspect, with a figure."""
    text = path.read_text(encoding="utf-8") if path else data_text("public_measurements.csv")
    rows = (row for row in csv.DictReader(StringIO(text)) if not row.get("suspect"))
    return [m for m in map(parse_row, rows) if m.target > 0]


def throughput(rows: Iterable[Measurement]) -> list[Measurement]:
    """Rows that state the output tokens/s of a whole system: what accuracy is measured on."""
    return [m for m in rows if m.kind in {"conc", "batch", "maxtput"}]


@dataclass(frozen=True, slots=True)
class Cut:
    """How the chips of one row are divided into workers."""

    chips: float
    replicas: float
    data_parallel: bool
    prefill_chips: float
    prefill_worker: float


def _fits(m: Measurement, chips: float, resident: float, share: float) -> bool:
    return chips * m.chip.mem_gb * 1e9 * share >= resident


def cut(m: Measurement, resident: float) -> Cut:
    """Worker size, replicas and attention mode of one row; `resident` is the bytes of its weights."""
    data_parallel = bool(m.note.get("dpa")) or (m.source == "TRTLLM-v1.0" and m.model.experts > 0)
    if m.disaggregated and "nd" in m.note:
        decode, prefill = m.note["nd"], m.note["np"]
        worker = min(decode / max(m.note.get("ndw", 0), 1), decode)
        while worker < decode and not _fits(m, worker, resident, 0.98):
            worker = min(2 * worker, decode)
        data_parallel |= worker > 8
        prefill_worker = min(prefill / max(m.note.get("npw", 0), 1), prefill)
        return Cut(worker, max(decode / worker, 1), data_parallel, prefill, prefill_worker)
    worker = m.tp
    if not worker:  # MLPerf states chips only: the smallest group that leaves room for a cache
        worker = 1.0
        while worker < m.chips and not _fits(m, worker, resident, 0.675):
            worker *= 2
        worker = min(worker, m.chips)
        data_parallel |= m.model.experts > 0 and worker > 1
    elif m.source.startswith("InferenceX"):
        worker = max(worker, m.note.get("ep", 1))
    data_parallel |= m.model.experts > 0 and worker > 8
    return Cut(worker, max(m.chips / worker, 1), data_parallel, 0.0, 0.0)


def cache_bits(m: Measurement) -> float:
    """Open-source stacks keep a 16-bit cache unless told otherwise; vendors' stacks follow the weights."""
    return 16.0 if m.family in PAGED_16_BIT_CACHE else find_precision(m.precision).kv_bits


@dataclass(frozen=True, slots=True)
class Configurations:
    """Measured rows as columns for the kernel."""

    shape: Shape
    chip: Chip
    layout: Layout
    prefill_layout: Layout
    replicas: Floats
    prefill_workers: Floats
    batch: Floats
    prompt: Floats
    output: Floats
    speculative: Floats
    server: Floats
    target: Floats
    kind: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.kind)


def chip_columns(parts: Sequence[tuple[Accelerator, str]]) -> Chip:
    """Accelerators at a precision as columns in base units."""
    return Chip(
        np.array([c.mem_gb * 1e9 for c, _ in parts]),
        np.array([c.bw_tbs * 1e12 for c, _ in parts]),
        np.array([c.peak_tflops(find_precision(p).math) * 1e12 for c, p in parts]),
        np.array([c.scaleup_gbs * 1e9 for c, _ in parts]),
        np.array([float(c.scaleup_world) for c, _ in parts]),
    )


def configurations(rows: Sequence[Measurement]) -> Configurations:
    """Columns for the kernel; the batch is the stated concurrency per worker, or what fits."""
    keys = {(m.model.model_id, m.precision, cache_bits(m)): m.model for m in rows}
    table = {k: shape_of(model, find_precision(k[1]), k[2]) for k, model in keys.items()}
    shapes = [table[m.model.model_id, m.precision, cache_bits(m)] for m in rows]
    shape = stack_shapes(shapes)
    chip = chip_columns([(m.chip, m.precision) for m in rows])
    cuts = [cut(m, float(s.resident_bytes)) for m, s in zip(rows, shapes, strict=True)]
    layout = Layout(np.array([c.chips for c in cuts]), 1.0, np.array([float(c.data_parallel) for c in cuts]))
    prompt, output = np.array([m.prompt for m in rows]), np.array([m.output for m in rows])
    concurrency = np.array([m.concurrency for m in rows])
    replicas = np.array([c.replicas for c in cuts])
    replicas = np.where(concurrency > 0, np.minimum(replicas, np.maximum(concurrency, 1)), replicas)
    wanted = np.where(concurrency > 0, concurrency / replicas, SCHEDULER_BATCH)
    room = np.maximum(fitting_batch(shape, chip, layout, prompt + output / 2, 0.95), np.minimum(wanted, 16))
    workers = np.array([c.prefill_chips / c.prefill_worker if c.prefill_worker else 0.0 for c in cuts])
    prefill_tp = np.array([max(c.prefill_worker, 1.0) for c in cuts])
    return Configurations(
        shape=shape,
        chip=chip,
        layout=layout,
        prefill_layout=Layout(prefill_tp, 1.0, layout.dp_attention),
        replicas=replicas,
        prefill_workers=workers,
        batch=np.maximum(np.minimum(wanted, room), 1),
        prompt=prompt,
        output=output,
        speculative=np.array([float(m.speculative) for m in rows]),
        server=np.array([float(m.server) for m in rows]),
        target=np.array([m.target for m in rows]),
        kind=tuple(m.kind for m in rows),
    )
