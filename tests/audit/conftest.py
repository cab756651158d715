"""The synthetic hosts in place of the network."""

import pytest

import tracker.audit.ask
from tests.audit.hosts import FakeHost


@pytest.fixture
def hosts(monkeypatch):
    """Hosts by name; `send` reaches them instead of the network."""
    known = {
        "reference": FakeHost(0.0),
        "one": FakeHost(0.02, seed=1),
        "two": FakeHost(0.03, seed=2),
        "honest": FakeHost(0.025, seed=3),
        "rough": FakeHost(0.35, seed=4),
        "swapped": FakeHost(0.0, language=7),
    }

    async def send(target, ask, _key, _patience):
        return known[target.base_url.split("/")[2]].reply(ask)

    monkeypatch.setattr(tracker.audit.ask, "send", send)
    return known
