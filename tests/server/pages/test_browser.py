"""The dashboard in a real browser, against a real server under a sub-path.

Every page is looked at in both themes, wide and narrow; its pictures are kept for people to see.
"""

import re
from pathlib import Path

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

PICTURES = Path(__file__).resolve().parents[3] / "build" / "screenshots"
# Each test takes seconds, and many more where others run beside.
# One event loop is all of the browser's: the connection to it belongs to that loop.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="session")]
expect.set_options(timeout=60_000)
WEIGHT_BYTES = 60_000
# The themes in which a width is looked at; colours do not depend on the width.
THEMES = {1440: ("light", "dark"), 390: ("dark",)}
KEPT = {(1440, "light"), (390, "dark")}
# Notes the state and how many citations there are, whenever the page changes; a page that is loaded
# anew forgets them.
NOTE_DRAFTS = """
window.seen = [];
new MutationObserver(() => window.seen.push(document.querySelector(".head .badge").textContent + " "
    + document.querySelectorAll("#report .cite").length)
).observe(document.body, {subtree: true, childList: true});
"""
TOPICS = {
    "live": "Tanvenia tidal power programme",
    "compared": "Tangaholm seed bank network",
    "restarted": "Mirgadal glacier observatory",
    "planned": "Selrinia harbour renewal scheme",
}


async def ask(page, service, topic, *, mode="linear", button="Start research"):
    """Fill in the form of a new research and send it; where it leads."""
    await page.goto(f"{service.base}/dashboard/new")
    await page.get_by_label("Topics, one a line").fill(topic)
    await page.locator(f"input[value={mode}]").check(force=True)
    await page.locator("#options summary").click()
    await page.locator("select[name=search_api]").select_option("tavily")
    await page.get_by_role("button", name=button).click()
    await page.wait_for_url(re.compile("/dashboard/research/"))
    return page.url


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def finished(service, browser, signed_in):
    """A research that was watched from its start to its report, and what was seen on the way."""
    context = await browser.new_context(
        viewport={"width": 1440, "height": 900}, storage_state=signed_in
    )
    context.set_default_timeout(60_000)
    page = await context.new_page()
    url = await ask(page, service, TOPICS["live"], mode="multi_agent")
    await page.evaluate(NOTE_DRAFTS)
    await page.locator("#report .cite.draft").first.wait_for()
    await keep(page, "research-live")
    await expect(page.locator(".head .badge")).to_have_text("done")
    await expect(page.locator("#report .cite.supported").first).to_be_visible()
    yield url, await page.evaluate("window.seen")
    await context.close()


async def keep(page, name):
    PICTURES.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


async def test_a_research_is_watched_until_its_report_without_loading_the_page_anew(finished):
    _, seen = finished

    drafts = [int(one.split()[1]) for one in seen if one.startswith("running")]
    assert len(set(drafts)) > 1
    assert seen[-1].startswith("done")


async def test_a_citation_shows_what_it_rests_on(finished, page):
    await page.goto(finished[0])
    cite = page.locator("#report .cite").first
    card = page.locator("#card")

    await cite.hover()
    await expect(card).to_be_visible()
    await expect(card.locator("q")).not_to_be_empty()
    await expect(card).to_contain_text("supported")
    await keep(page, "citation")
    assert await violations(page) == []
    await page.keyboard.press("Escape")
    await expect(card).to_be_hidden()
    await page.mouse.move(0, 0)
    await cite.focus()
    await expect(card).to_be_visible()

    quoted = await card.locator("q").inner_text()
    await card.get_by_role("link", name="in the text").click()
    await expect(page.locator("#cited")).to_have_text(quoted)
    await keep(page, "source")


async def test_a_citation_opens_at_a_tap(finished, browser, signed_in):
    context = await browser.new_context(
        storage_state=signed_in,
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
    )
    page = await context.new_page()
    await page.goto(finished[0])

    await page.locator("#report .cite").first.tap()

    await expect(page.locator("#card")).to_be_visible()
    assert "#source" not in page.url
    await keep(page, "citation-phone")
    await context.close()


async def test_a_research_is_cancelled_and_goes_on(service, page):
    await ask(page, service, TOPICS["compared"], mode="graph")
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.locator(".head .badge")).to_have_text("cancelled")

    await page.get_by_role("button", name="Resume").click()

    await expect(page.locator(".head .badge")).to_have_text("done")


async def test_a_page_goes_on_after_the_server_was_killed_in_mid_stream(service, page):
    await ask(page, service, TOPICS["restarted"], mode="multi_agent")
    await page.evaluate("window.kept = true")
    await page.locator("#report section h2").first.wait_for()

    service.kill()
    await expect(page.locator("#live")).to_contain_text("offline")
    await keep(page, "offline")
    assert await violations(page) == []
    service.start()

    await expect(page.locator(".head .badge")).to_have_text("done")
    await expect(page.locator("#live")).to_have_text("live")
    assert await page.evaluate("window.kept")


async def test_a_plan_is_changed_and_then_worked_on(service, page):
    await ask(page, service, TOPICS["planned"], button="Show plan first")
    first = page.locator("input[name=section]").first
    await first.fill("The money of the harbour")
    await keep(page, "plan")
    assert await violations(page) == []
    queue = await page.context.new_page()
    await queue.goto(f"{service.base}/dashboard/queue")
    await expect(queue.locator("table").first).to_contain_text("approval")
    await keep(queue, "queue-waiting")

    await page.get_by_role("button", name="Start with this plan").click()

    await expect(page.locator(".head .badge")).to_have_text("done")
    await expect(page.locator("#report")).to_contain_text("The money of the harbour")


async def test_a_report_is_asked(finished, page):
    await page.goto(finished[0])
    await page.get_by_label("A question to this report").fill("When was the authority opened?")

    await page.get_by_role("button", name="Ask").click()

    await expect(page.locator("#answers .answer p").first).not_to_have_class("waiting")
    await expect(page.locator("#answers .cite").first).to_be_visible()


async def test_two_reports_are_compared(service, finished, page):
    await ask(page, service, "Tanstodal peatland restoration plan")
    await expect(page.locator(".head .badge")).to_have_text("done")
    await page.goto(f"{service.base}/dashboard/compare")
    await page.locator(".reports input").nth(0).check()
    await page.locator(".reports input").nth(1).check()

    await page.get_by_role("button", name="Compare").click()

    await expect(page.locator("table.compare thead th")).to_have_count(3)
    await expect(page.locator("table.compare")).to_contain_text("Citations supported")
    await keep(page, "compared")
    assert await violations(page) == []
    await page.get_by_role("link", name="What changed").click()
    await expect(page.locator("h1")).to_contain_text("Changes: ")


async def test_everything_works_without_scripts(service, browser, signed_in):
    context = await browser.new_context(
        java_script_enabled=False, color_scheme="light", storage_state=signed_in
    )
    context.set_default_timeout(60_000)
    page = await context.new_page()
    await ask(page, service, "Galpiwick school meal reform")
    await page.get_by_role("button", name="Cancel").click()
    await page.locator(".theme button").click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await page.get_by_role("link", name="Library").click()
    await page.get_by_label("Search documents and reports").fill("journal")
    await page.get_by_role("button", name="Search", exact=True).click()
    await page.locator(".hits a").first.click()
    await expect(page.locator("#cited")).to_be_visible()
    await context.close()


async def test_a_theme_is_kept(service, page):
    await page.goto(f"{service.base}/login")
    async with page.expect_response(re.compile("/dashboard/theme")):
        await page.locator(".theme button").click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")

    await page.goto(f"{service.base}/dashboard/queue")

    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def places(service, finished):
    """Every page by the name of its picture."""
    base, url = service.base, finished[0]
    return {
        "dashboard": f"{base}/dashboard",
        "new": f"{base}/dashboard/new",
        "queue": f"{base}/dashboard/queue",
        "library": f"{base}/dashboard/library?q=journal",
        "collection": f"{base}/dashboard/library/collection/papers",
        "compare": f"{base}/dashboard/compare",
        "performance": f"{base}/performance",
        "settings": f"{base}/dashboard/settings",
        "login": f"{base}/login",
        "nowhere": f"{base}/dashboard/nowhere",
        **{
            f"research-{view}": f"{url}/{view}"
            for view in ("report", "timeline", "sources", "graph", "log")
        },
    }


@pytest.mark.parametrize("width", THEMES)
async def test_no_page_has_a_fault_that_axe_finds(service, finished, page, troubles, width):
    await page.set_viewport_size({"width": width, "height": 900})
    faults = []
    for name, url in places(service, finished).items():
        await page.goto(url)
        for theme in THEMES[width]:
            await page.emulate_media(color_scheme=theme)
            if (width, theme) in KEPT:
                await keep(page, f"{name}-{width}-{theme}")
            faults += [f"{name} {width} {theme}: {one}" for one in await violations(page)]
        for part in ("html", ".main-nav"):
            over = await page.locator(part).evaluate("one => one.scrollWidth - one.clientWidth")
            faults += [f"{name} {width}: {part} is {over} px too wide"] if over > 0 else []
        faults += [f"{name}: {one}" for one in await page.evaluate("window.violations")]

    assert faults == []
    assert troubles == []


async def violations(page):
    """What axe finds, one a place."""
    found = await Axe().run(page)
    return [
        f"{rule['id']} {node['target']} {node['html'][:200]}"
        for rule in found.response["violations"]
        for node in rule["nodes"]
    ]


async def test_a_page_is_light_and_needs_one_style(service, finished, context):
    heavy = []
    for name, url in places(service, finished).items():
        page = await context.new_page()
        answers = []
        page.on("response", lambda one: answers.append(one))  # noqa: PLW0108, B023 - it marks what it is given
        await page.goto(url, wait_until="load")
        kinds = [one.request.resource_type for one in answers]
        sizes = [
            len(await one.body())
            for one in answers
            if one.request.resource_type in {"document", "stylesheet", "script"}
        ]
        await page.close()
        assert kinds.count("stylesheet") == 1, name
        assert set(kinds) <= {"document", "stylesheet", "script", "image", "other"}, name
        if sum(sizes) > WEIGHT_BYTES:
            heavy.append((name, sizes))

    assert heavy == []
