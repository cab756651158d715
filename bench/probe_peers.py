"""guidellm and aiperf against the server of known times, by their own per-request figures."""

import json
import os
import subprocess
from pathlib import Path

from bench.probe_truth import FIRST_MS, Case, Figures, clockwork, cpu_of, figures_of


def guidellm(python: str, case: Case, folder: Path) -> Figures:
    """guidellm with its prompts from a file; its own per-request figures."""
    prompts, report = folder / "prompts.jsonl", folder / "guidellm.json"
    prompts.write_text("".join(json.dumps({"prompt": f"#{n} say tok"}) + "\n" for n in range(case.streams)))
    with clockwork(case, ()) as server:
        backend = f"kind=openai_http,target=http://127.0.0.1:{server.port},model=m,request_format=/v1/chat/completions"
        limits = ("--constraint", f"kind=max_requests,count={case.streams}", "--disable-console")
        data = ("--data", f"kind=json_file,path={prompts}", "--output", f"kind=json,path={report}")
        profile = ("--profile", f"kind=concurrent,streams={case.streams}")
        command = [str(Path(python).parent / "guidellm"), "run", "--backend", backend, *profile, *limits, *data]
        cpu_s, _ = cpu_of(command, dict(os.environ) | {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"})
    rows = json.loads(report.read_text())["benchmarks"][0]["requests"]["successful"]
    ttft = [row["time_to_first_token_ms"] - FIRST_MS for row in rows]
    return figures_of(case, "guidellm", ttft, [_pct(row["inter_token_latency_ms"], case) for row in rows], cpu_s)


def _pct(itl_ms: float, case: Case) -> float:
    return 100 * (itl_ms / case.token_ms - 1)


TOKENIZER = """
import sys
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast
words = Tokenizer(models.WordLevel({"[UNK]": 0, "tok": 1}, unk_token="[UNK]"))
words.pre_tokenizer = pre_tokenizers.Whitespace()
PreTrainedTokenizerFast(tokenizer_object=words, unk_token="[UNK]").save_pretrained(sys.argv[1])
"""


def aiperf(python: str, case: Case, folder: Path) -> Figures:
    """aiperf with server token counts; the tokenizer it insists on is made on the spot."""
    prompts, artifacts, tokenizer = folder / "prompts.jsonl", folder / "out", folder / "tokenizer"
    prompts.write_text("".join(json.dumps({"text": f"#{n} say tok"}) + "\n" for n in range(case.streams)))
    subprocess.run([python, "-c", TOKENIZER, str(tokenizer)], check=True, capture_output=True)
    with clockwork(case, ()) as server:
        where = ("-m", "m", "-u", f"http://127.0.0.1:{server.port}", "--endpoint-type", "chat", "--streaming")
        load = ("--concurrency", str(case.streams), "--request-count", str(case.streams))
        data = ("--input-file", str(prompts), "--custom-dataset-type", "single_turn", "--use-server-token-count")
        files = ("--tokenizer", str(tokenizer), "--artifact-dir", str(artifacts), "--no-gpu-telemetry")
        command = [str(Path(python).parent / "aiperf"), "profile", *where, *load, *data, *files]
        cpu_s, _ = cpu_of(command, dict(os.environ))
    lines = (artifacts / "profile_export.jsonl").read_text().splitlines()
    rows = [json.loads(line)["metrics"] for line in lines]
    ttft = [row["time_to_first_token"]["value"] - FIRST_MS for row in rows]
    token = [_pct(row["inter_token_latency"]["value"], case) for row in rows]
    return figures_of(case, "aiperf", ttft, token, cpu_s)


PEERS = {"guidellm": guidellm, "aiperf": aiperf}
