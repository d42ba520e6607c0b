"""Pages in Chromium on a full database: bytes and seconds until each is ready, beside MLflow's.

    python benchmarks/pages.py          # needs Chromium, and MLflow in .mlflow (`make mlflow`)

Each load is that of a browser that never was here before.
"""

import argparse
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import Browser, TimeoutError, sync_playwright
from section import beside, table, write

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # the full database is that of the tests

from tests.web.filled import BATTLES, CONVERSATIONS, FEEDBACK, VERSIONS, fill  # noqa: E402

from sutdol.app import Sutdol  # noqa: E402
from sutdol.core.settings import Settings  # noqa: E402

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
LAST = f"conv_{CONVERSATIONS - 1:032x}"
PAGES = {
    "overview": "/",
    "arena": "/arena",
    "a battle": "/arena/1100",
    "models": "/models",
    "a version": "/models/guard/guard-v50",
    "two versions compared": "/models/guard/compare?a=guard-v45&b=guard-v50",
    "a verdict": "/models/guard/verdicts/guard-filled00050",
    "feedback": "/feedback",
    "chat": "/chat",
    "a chat of 1,000 messages": f"/chat/{LAST}",
    "keys and usage": "/keys",
    "settings": "/settings",
    "sign-in": "/sign-in",
    "style": "/style",
}
READY = "main:not([aria-busy=true])"
SAID = (
    f"{BATTLES} battles of 10 rounds, {VERSIONS} versions, {FEEDBACK:,} pieces of feedback,"
    f" {CONVERSATIONS:,} conversations on SQLite, one server process, both on this machine. Median"
    " of {times} loads by a browser that never was here before: all bytes over the wire, answers of"
    " the API among them, and seconds until everything is shown. MLflow's page is that of its empty"
    " list of experiments, ready when its first heading stands."
)
MOST_KB, MOST_SECONDS = 60.0, 1.0


@dataclass(frozen=True, kw_only=True)
class Load:
    kilobytes: float
    requests: int
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--times", type=int, default=5, help="loads of each page")
    times = parser.parse_args().times
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = Path(folder) / "home"
        filled(home)
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        with served(home) as url, mlflow(Path(folder)) as peer:
            found: dict[str, list[Load]] = {name: [] for name in [*PAGES, "MLflow"]}
            for _ in range(times):
                for name, path in PAGES.items():
                    found[name].append(loaded(browser, url + path, READY))
                if peer:
                    found["MLflow"].append(loaded(browser, peer, MLFLOW_READY))
        browser.close()
    report(found, times)


MLFLOW_READY = "h1, h2, h3"


def report(found: dict[str, list[Load]], times: int) -> None:
    rows = []
    for name, loads in found.items():
        if loads:
            size = median(one.kilobytes for one in loads)
            seconds = median(one.seconds for one in loads)
            count = f"{median(one.requests for one in loads):.0f}"
            rows.append([name, f"{size:.1f}", count, f"{seconds:.2f}"])
            print(*rows[-1], sep="  ")
    ours = [one for name, loads in found.items() if name != "MLflow" for one in loads]
    largest = max(float(row[1]) for row in rows if row[0] != "MLflow")
    slowest = max(float(row[3]) for row in rows if row[0] != "MLflow")
    told = [
        beside("The largest page", largest, most=MOST_KB, unit=" KB"),
        beside("the slowest page", 1000 * slowest, most=1000 * MOST_SECONDS, unit=" ms"),
        f"the slowest single load of {len(ours)} took {max(one.seconds for one in ours):.2f} s.",
    ]
    heads = ("page", "KB", "requests", "seconds")
    write("pages", "Pages", SAID.format(times=times), table(heads, rows), "; ".join(told))


def filled(home: Path) -> None:
    with Sutdol.open(Settings.load(home=home)) as sutdol:
        sutdol.take_in_bundled()
        sutdol.crown_first(seed=0)
        fill(sutdol)


def loaded(browser: Browser, url: str, ready: str) -> Load:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    sizes: list[float] = []
    network.on("Network.loadingFinished", lambda told: sizes.append(told["encodedDataLength"]))
    page.goto(url, wait_until="commit")
    page.wait_for_selector(ready, timeout=60_000, state="attached")
    seconds = page.evaluate("performance.now()") / 1000
    with suppress(TimeoutError):  # MLflow's page never stops asking
        page.wait_for_load_state("networkidle", timeout=5_000)
    context.close()
    return Load(kilobytes=sum(sizes) / 1000, requests=len(sizes), seconds=seconds)


@contextmanager
def served(home: Path) -> Iterator[str]:
    command = [Path(sys.executable).with_name("sutdol"), "up", "--port", "0", "--no-worker"]
    environment = {"PATH": os.defpath, "SUTDOL_HOME": str(home)}
    process = subprocess.Popen(
        [str(one) for one in command],
        cwd=home,
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        encoding="utf-8",
    )
    assert process.stderr is not None
    url = next(found[0] for line in process.stderr if (found := re.search(r"http://\S+", line)))
    answers(f"{url}/health")
    log = subprocess.Popen(["cat"], stdin=process.stderr, stdout=subprocess.DEVNULL)
    try:
        yield url
    finally:
        process.terminate()
        process.wait(40)
        log.wait(5)


@contextmanager
def mlflow(folder: Path) -> Iterator[str | None]:
    """Its server on an empty database; None where it is not installed."""
    program = ROOT / ".mlflow" / "bin" / "mlflow"
    if not program.exists():
        yield None
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [program, "server", "--port", port, "--workers", 1]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    process = subprocess.Popen(
        [str(one) for one in command],
        cwd=folder,
        env={"PATH": os.defpath, "HOME": str(folder), **quiet},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        answers(f"http://127.0.0.1:{port}/health")
        yield f"http://127.0.0.1:{port}/#/experiments"
    finally:
        os.killpg(process.pid, 15)
        process.wait(30)


def answers(url: str) -> None:
    for _ in range(600):
        try:
            with urlopen(url, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise SystemExit(f"Nothing answers at {url}.")


if __name__ == "__main__":
    main()
