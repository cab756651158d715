"""Pages seen by headless Chromium: what it logs, what it would fetch, what a script finds in the page."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--allow-file-access-from-files",
    "--host-resolver-rules=MAP * ~NOTFOUND",
]
OWN = re.compile(r"https?://[a-z0-9.]*\.google(?:apis)?\.com/")  # the browser's own calls, not the page's
POLICY = re.compile(r"<meta http-equiv=\"Content-Security-Policy\"[^>]*>")


def browse(page: Path, work: Path, width: int, dark: bool, *extra: str) -> subprocess.CompletedProcess[str]:
    """Load a page in a fresh profile and return what the browser printed."""
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    profile = work / "profile"
    shutil.rmtree(profile, ignore_errors=True)
    command = [
        CHROMIUM,
        *FLAGS,
        f"--user-data-dir={profile}",
        f"--window-size={width},900",
        scheme,
        *extra,
        page.as_uri(),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def console_of(page: Path, work: Path, width: int = 1280, dark: bool = False) -> tuple[list[str], list[str]]:
    """The console messages, and the addresses outside this machine that the page asked for."""
    log = work / "net.json"
    done = browse(page, work, width, dark, "--enable-logging=stderr", "--dump-dom", f"--log-net-log={log}")
    messages = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
    asked = set(re.findall(r'"url":"((?:https?|wss?)://[^"]+)"', log.read_text())) if log.is_file() else set()
    return messages, sorted(url for url in asked if not OWN.match(url))


def inspected(page: Path, work: Path, script: str, width: int, dark: bool) -> object:
    """Run a script in a copy of the page (the page itself forbids scripts) and return the JSON it posts.

    The copy stands in a frame of the wanted width: a window of headless Chromium is never narrower than 500 pixels.
    """
    text = POLICY.sub("", page.read_text())
    copy, frame = work / f"{page.stem}-inspected.html", work / f"{page.stem}-frame.html"
    copy.write_text(text.replace("</body>", f"<script>{script}</script></body>"))
    frame.write_text(FRAME.format(name=copy.name, width=width))
    done = browse(frame, work, max(width, 500) + 50, dark, "--virtual-time-budget=30000", "--dump-dom")
    match = re.search(r"<pre id=\"found\">(.*?)</pre>", done.stdout, re.S)
    assert match, done.stderr[-2000:]
    return json.loads(match[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))


FRAME = """<!doctype html><html><body style="margin:0"><pre id="found"></pre>
<script>addEventListener('message', e => {{ document.getElementById('found').textContent = e.data; }});</script>
<iframe src="{name}" style="border:0;width:{width}px;height:900px"></iframe></body></html>
"""
OVERFLOW = """
const wide = [...document.body.querySelectorAll('*')].filter(e => !e.closest('.scroll') &&
  e.getBoundingClientRect().right > document.documentElement.clientWidth + 1).map(e => e.tagName + '.' + e.className);
parent.postMessage(JSON.stringify({page: document.documentElement.scrollWidth,
  window: document.documentElement.clientWidth, wide: wide.slice(0, 5)}), '*');
"""


def axe_script(work: Path) -> str:
    """axe-core, from AXE_CORE or by npm into a folder outside the checkout; empty where neither works."""
    given = Path(os.environ.get("AXE_CORE", ""))
    if given.is_file():
        return given.read_text()
    npm = shutil.which("npm")
    if not npm:
        return ""
    command = [npm, "install", "axe-core@4", "--silent", "--no-audit", "--no-fund", "--prefix", str(work)]
    subprocess.run(command, capture_output=True, timeout=120, check=False)
    found = work / "node_modules" / "axe-core" / "axe.min.js"
    return found.read_text() if found.is_file() else ""


AXE_RUN = """
axe.run(document, {resultTypes: ['violations']}).then(r => {
  const told = r.violations.map(v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.target.join(' ')).join(' | '));
  parent.postMessage(JSON.stringify(told), '*');
});
"""
