"""Public throughput measurements as rows: what each source's words mean.

`configure` makes the kernel's columns of them. The columns are those of `data/public_measurements.csv`.
"""

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from io import StringIO
from pathlib import Path

from tracker.cost.facts import Accelerator, Model, find_accelerator, find_model
from tracker.cost.tables import data_text
from tracker.errors import CostError, DataFileError

DAY_ZERO = 21  # days after release within which kernels of a new architecture are not yet tuned

# Framework text -> family, first match wins; the text is the source's own word.
FAMILIES = (
    ("wideep", "wide-ep"),
    ("pd+ep", "wide-ep"),
    ("internal", "wide-ep"),
    ("custom stack", "optimised"),
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


def family_of(framework: str, source: str, rack: bool = False) -> str:
    """The serving software family; MLPerf submissions are a family of their own, since each is tuned by its vendor."""
    if rack:
        framework = f"dynamo-{framework}"
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


def _is_rack(row: dict[str, str]) -> bool:
    """AIConfigurator's sample calls NVL72 runs one worker; they are Dynamo's, with separate pools."""
    return row["source"].startswith("AIC") and _number(row["n_chips"]) > 8


def parse_row(row: dict[str, str]) -> Measurement:
    """One CSV row; an unknown model or accelerator, or an unreadable number, is an error that names the row."""
    try:
        model, chip = find_model(row["model"]), find_accelerator(row["hardware"])
        out, user, first = (_number(row.get(k)) for k in ("out_tok_s", "tok_s_user", "ttft_s"))
        return Measurement(
            id=row["id"],
            source=row["source"],
            date=date.fromisoformat(row["date"]),
            chip=chip,
            model=model,
            precision=precision_of(row["precision"], model),
            family="sram" if chip.layer_us else family_of(row["framework"], row["source"], _is_rack(row)),
            chips=_number(row["n_chips"]) or _number(row["tp"]) or 1.0,
            tp=_number(row["tp"]),
            prompt=_number(row["in_len"]) or 1024.0,
            output=_number(row["out_len"]) or 256.0,
            concurrency=_number(row["concurrency"]),
            target={"user": user, "ttft": first}.get(row["kind"], out),
            kind=row["kind"],
            speculative=row["spec"] not in ("", "none"),
            server=any(word in row.get("scenario", "") for word in ("Server", "Interactive")),
            disaggregated=row["disagg"] == "1" or _is_rack(row),
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
