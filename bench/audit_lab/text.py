"""Training text found on the machine, and a small byte-pair tokenizer learnt from it.

Manual pages and Perl documentation are the training text, Python's standard library is the fine-tuning text.
Roff macros are stripped roughly: the model learns what a manual page reads like, not its typesetting.
"""

import gzip
import itertools
import json
import random
import re
import sys
import sysconfig
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

PIECE = re.compile(r" ?[A-Za-z]+| ?[0-9]|\n+| +|[^A-Za-z0-9\s]|\s", re.ASCII)
MACRO = re.compile(r"^[.'][A-Za-z\\\"]{1,3} ?", re.MULTILINE)
ESCAPE = re.compile(r"\\f[A-Z]|\\f\(..|\\[&|^,/)]|\\s[-+0-9]+|\\\*?\(..|\\\*.|\\\[[a-zA-Z]+\]")


def manual_pages(limit_bytes: int) -> str:
    """English manual pages in a fixed shuffled order, without their macros, up to `limit_bytes`."""
    paths = sorted(Path("/usr/share/man").glob("man[1-8]/*.gz")) + sorted(Path("/usr/share/perl").rglob("*.pod"))
    random.Random(7).shuffle(paths)
    pages: list[str] = []
    size = 0
    for path in paths:
        if size >= limit_bytes:
            break
        try:
            raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        except OSError:
            continue
        page = ESCAPE.sub("", MACRO.sub("", raw.decode("ascii", "ignore").replace("\\-", "-")))
        pages.append(re.sub(r"\n{3,}", "\n\n", page))
        size += len(page)
    return "\n\n".join(pages)[:limit_bytes]


def python_source(limit_bytes: int) -> str:
    """The standard library's source, up to `limit_bytes`: another distribution, for the fine-tuned variant."""
    paths = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    return (
        "\n".join(path.read_text("utf-8", "ignore") for path in paths).encode("ascii", "ignore").decode()[:limit_bytes]
    )


class Tokenizer:
    """Byte-pair encoding over ASCII: ids 0..127 are the bytes, the rest merges in the order they were learnt."""

    def __init__(self, merges: list[tuple[str, str]]) -> None:
        self.rank = {pair: order for order, pair in enumerate(merges)}
        self.tokens = [chr(code) for code in range(128)] + [left + right for left, right in merges]
        self.ids = {token: number for number, token in enumerate(self.tokens)}
        self._known: dict[str, list[int]] = {}

    def encode(self, text: str) -> list[int]:
        ids: list[int] = []
        for piece in PIECE.findall(text.encode("ascii", "ignore").decode()):
            if piece not in self._known:
                self._known[piece] = [self.ids[token] for token in self._merge(list(piece))]
            ids += self._known[piece]
        return ids

    def decode(self, ids: list[int]) -> str:
        return "".join(self.tokens[number] for number in ids)

    def _merge(self, symbols: list[str]) -> list[str]:
        while len(symbols) > 1:
            ranked = [(self.rank.get(pair, 1 << 30), at) for at, pair in enumerate(itertools.pairwise(symbols))]
            rank, at = min(ranked)
            if rank == 1 << 30:
                break
            symbols = [*symbols[:at], symbols[at] + symbols[at + 1], *symbols[at + 2 :]]
        return symbols


def learn_merges(text: str, count: int) -> list[tuple[str, str]]:
    """The `count` most useful merges of `text`: after each one only the words that held the pair are recounted."""
    words = [(list(word), times) for word, times in Counter(PIECE.findall(text)).items()]
    pairs: Counter[tuple[str, str]] = Counter()
    where: dict[tuple[str, str], set[int]] = {}
    for index, (symbols, times) in enumerate(words):
        for pair in itertools.pairwise(symbols):
            pairs[pair] += times
            where.setdefault(pair, set()).add(index)
    merges: list[tuple[str, str]] = []
    for _ in range(count):
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        for index in list(where.pop(best)):
            _apply(best, index, words, pairs, where)
        del pairs[best]
    return merges


def _apply(
    best: tuple[str, str],
    index: int,
    words: list[tuple[list[str], int]],
    pairs: Counter[tuple[str, str]],
    where: dict[tuple[str, str], set[int]],
) -> None:
    """Merge `best` inside one word and move the counts of its pairs."""
    symbols, times = words[index]
    merged = list(_joined(symbols, best))
    for pair in itertools.pairwise(symbols):
        pairs[pair] -= times
    for pair in itertools.pairwise(merged):
        pairs[pair] += times
        where.setdefault(pair, set()).add(index)
    words[index] = (merged, times)


def _joined(symbols: list[str], best: tuple[str, str]) -> Iterator[str]:
    at = 0
    while at < len(symbols):
        if at + 1 < len(symbols) and (symbols[at], symbols[at + 1]) == best:
            yield best[0] + best[1]
            at += 2
        else:
            yield symbols[at]
            at += 1


def load_tokenizer(folder: Path, text: str, vocabulary: int) -> Tokenizer:
    """The tokenizer kept in `folder`, learnt from `text` the first time."""
    path = folder / f"merges-{vocabulary}.json"
    if not path.exists():
        path.write_text(json.dumps(learn_merges(text[:4_000_000], vocabulary - 128)))
        print(f"learnt {vocabulary - 128} merges", file=sys.stderr)
    return Tokenizer([(left, right) for left, right in json.loads(path.read_text())])
