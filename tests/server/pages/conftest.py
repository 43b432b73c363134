"""A real server with a real worker, the simulator to ask, and Chromium to look with."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, StorageState, async_playwright

from wiseflow.simulator.options import SimulatorOptions
from wiseflow.simulator.process import SimulatorProcess

ROOT = Path(__file__).resolve().parents[3]
UNDER = "/wise"
READY_S = 60.0
# What Chromium needs where there is neither a sandbox nor a network.
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
NOTE_VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation",
    (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""


class Service:
    """``wiseflow serve`` under a sub-path, which can be killed and started again."""

    def __init__(self, folder: Path, environ: dict[str, str]):
        self._folder = folder
        self._environ = environ
        self._process: subprocess.Popen[bytes] | None = None
        self.key = ""
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}{UNDER}"

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "wiseflow", *arguments],
            cwd=self._folder, env=self._environ, check=True, capture_output=True, text=True,
            timeout=READY_S,
        )  # fmt: skip

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "wiseflow", "serve", "--port", str(self.port),
             "--root-path", UNDER],
            cwd=self._folder, env=self._environ, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until = time.monotonic() + READY_S
        while time.monotonic() < until:
            try:
                if httpx2.get(f"{self.base}/health/live").status_code == 200:
                    return
            except httpx2.TransportError:
                time.sleep(0.1)
        raise AssertionError("the server does not answer")

    def kill(self) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(timeout=READY_S)
            self._process = None


@pytest.fixture(scope="session")
def service(tmp_path_factory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    papers = folder / "papers"
    shutil.copytree(ROOT / "docs" / "explanation", papers)
    kept = ("PATH", "HOME", "LANG", "TMPDIR")
    with SimulatorProcess(SimulatorOptions(time_scale=0.4)) as sim:
        environ = {
            **{name: os.environ[name] for name in kept if name in os.environ},
            "LLM_API_BASE": sim.url("openai"),
            "LLM_API_KEY": "k-1",
            "PRIMARY_MODEL": "sim-large",
            "TAVILY_API_BASE": sim.url("tavily"),
            "TAVILY_API_KEY": "tk-1",
            "TAVILY_RATE_LIMIT": "100000",
            "FETCH_ALLOWED_NETWORKS": "127.0.0.0/8",
            "JOB_LEASE_S": "3",
            "JOB_HEARTBEAT_S": "0.5",
            "MAX_CONCURRENT_TASKS": "1",
            "ENABLE_METRICS": "false",  # its port may be another test's
        }
        service = Service(folder, environ)
        service.run("index", "add", "papers", "--collection", "papers")
        # Behind a proxy everybody seems to be at this machine, so a key is needed.
        service.key = service.run("keys", "create", "browser", "--scope", "admin").stdout.strip()
        service.start()
        yield service
        service.kill()


# The other API of Playwright leaves its event loop running in the thread of the tests, and whatever
# test comes next in that process cannot run one of its own.
@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=list(FLAGS)
        )
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def signed_in(service, browser) -> StorageState:
    """The cookies of somebody who has logged in."""
    context = await browser.new_context()
    page = await context.new_page()
    page.set_default_timeout(60_000)
    await page.goto(f"{service.base}/dashboard")
    await page.get_by_label("API key").fill("wf_not_a_key")
    await page.get_by_role("button", name="Log in").click()
    await page.get_by_role("alert").wait_for()
    await page.get_by_label("API key").fill(service.key)
    await page.get_by_role("button", name="Log in").click()
    await page.wait_for_url(f"{service.base}/dashboard")
    cookies = await context.storage_state()
    await context.close()
    return cookies


@pytest.fixture
def troubles() -> list[str]:
    """What the browser complained of."""
    return []


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser, signed_in, troubles) -> AsyncIterator[BrowserContext]:
    context = await browser.new_context(
        viewport={"width": 1440, "height": 900}, storage_state=signed_in
    )
    await context.add_init_script(NOTE_VIOLATIONS)
    context.on("weberror", lambda error: troubles.append(str(error.error)))
    context.set_default_timeout(60_000)
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(context) -> Page:
    return await context.new_page()
