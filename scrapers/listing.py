"""The table of sources in scrapers/README.md: `python -m scrapers.listing` writes it, a test holds it true."""

from collections import Counter
from pathlib import Path

from scrapers.source import PROOFS, Source, source_modules

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- sources -->\n", "<!-- /sources -->"
PROOF_ORDER = [proof for proof in ("recorded", "excerpt", "documented", "none") if proof in PROOFS]


def listing() -> str:
    """Counts by proof, then every source with what it is, its unit and what its parser was built against."""
    sources = sorted(
        (module.SOURCE for module in source_modules().values()), key=lambda source: (source.kind, source.id)
    )
    counts = Counter(source.proof for source in sources)
    parts = ", ".join(f"{counts[proof]} {proof}" for proof in PROOF_ORDER)
    off = sum(not source.enabled for source in sources)
    head = (
        f"{len(sources)} sources: {parts}; {off} of them off until their first live answer was read or replay only.\n\n"
    )
    return head + "| source | kind | unit | proof |\n|---|---|---|---|\n" + "".join(map(_row, sources))


def _row(source: Source) -> str:
    proof = f"[{source.proof}]({source.proof_url})" if source.proof_url else source.proof
    state = (" (key)" if source.key_required else "") + ("" if source.enabled else " (off)")
    return f"| `{source.id}`{state} | {source.kind} | {_cell(source.unit)} | {proof} |\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def updated(readme: str) -> str:
    """The README with today's table between its markers."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{listing()}{END}{after}"


if __name__ == "__main__":
    README.write_text(updated(README.read_text(encoding="utf-8")), encoding="utf-8")
