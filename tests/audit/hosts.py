"""Synthetic hosts behind `send`: a language whose gaps are known, read with a chosen noise. No network."""

import re
import zlib
from functools import lru_cache

import numpy as np

from tracker.probe.messages import TokenLogprob, Usage
from tracker.probe.reply import Reply

WORDS = [f" w{number}" for number in range(40)]
WRITTEN = re.compile(r" w\d+")


@lru_cache(maxsize=100_000)
def language(text, number):
    """Logits after a text: three likely words and a tail; the best two are 0.4 nats apart on average."""
    draw = np.random.default_rng([zlib.crc32(text.encode()), number])
    order = draw.permutation(len(WORDS))
    logits = np.full(len(WORDS), -4.0)
    logits[order[:3]] = [2.0 + draw.exponential(0.4), 2.0, 0.5 - draw.exponential(0.5)]
    return logits


class FakeHost:
    """Answers like a host whose logits are the shared language's plus Gaussian noise of `sigma` nats."""

    def __init__(self, sigma, seed=0, language=0, strips=False, hides_logprobs=False, fails="", extra_tokens=0):
        self.sigma, self.language, self.strips = sigma, language, strips
        self.hides_logprobs, self.fails, self.extra_tokens = hides_logprobs, fails, extra_tokens
        self.rng = np.random.default_rng(seed)
        self.asked = 0

    def logprobs(self, text):
        noisy = language(text, self.language) + self.sigma / np.sqrt(2) * self.rng.standard_normal(len(WORDS))
        return noisy - np.log(np.exp(noisy).sum())

    def reply(self, ask):
        self.asked += 1
        if self.fails:
            return Reply(self.fails, limits={"retry-after": "0"})
        text, shown = ask.prompt, []
        if ask.echo:
            return self._echo(ask)
        for _ in range(ask.max_tokens):
            values = self.logprobs(text)
            weights = np.exp(values)
            best = (
                int(values.argmax())
                if ask.temperature == 0
                else int(self.rng.choice(len(WORDS), p=weights / weights.sum()))
            )
            shown.append(self._token(best, values))
            text += WORDS[best]
        written = text[len(ask.prompt) :]
        usage = Usage(len(ask.prompt.split()) + self.extra_tokens, ask.max_tokens)
        logprobs = () if self.hides_logprobs or not ask.logprobs else tuple(shown)
        return Reply("ok", text=written.lstrip() if self.strips else written, logprobs=logprobs, usage=usage)

    def _token(self, chosen, values):
        top = np.argsort(-values)[:5]
        return TokenLogprob(
            WORDS[chosen], float(values[chosen]), tuple((WORDS[word], float(values[word])) for word in top)
        )

    def _echo(self, ask):
        """The whole text as tokens: the prompt as one, every written word as one."""
        written = list(WRITTEN.finditer(ask.prompt))
        text = ask.prompt[: written[0].start()] if written else ask.prompt
        shown = [TokenLogprob(text, None)]
        for word in written:
            shown.append(self._token(WORDS.index(word[0]), self.logprobs(text)))
            text += word[0]
        return Reply("ok", text=text, logprobs=() if self.hides_logprobs else tuple(shown), usage=Usage(10, 1))
