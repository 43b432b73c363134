"""The dashboard in a real browser, against a real server under a sub-path.

Every page is looked at in both themes, wide and narrow; its pictures are kept for people to see.
"""

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

PICTURES = Path(__file__).resolve().parents[3] / "build" / "screenshots"
# Each test takes seconds, and many more where others run beside.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
expect.set_options(timeout=60_000)
WEIGHT_BYTES = 60_000
WIDTHS = (1440, 390)
THEMES = ("light", "dark")
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


def ask(page, service, topic, *, mode="linear", button="Start research"):
    """Fill in the form of a new research and send it; where it leads."""
    page.goto(f"{service.base}/dashboard/new")
    page.get_by_label("Topics, one a line").fill(topic)
    page.locator(f"input[value={mode}]").check(force=True)
    page.locator("#options summary").click()
    page.locator("select[name=search_api]").select_option("tavily")
    page.get_by_role("button", name=button).click()
    page.wait_for_url(re.compile("/dashboard/research/"))
    return page.url


@pytest.fixture(scope="module")
def finished(service, browser, signed_in):
    """A research that was watched from its start to its report, and what was seen on the way."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, storage_state=signed_in)
    context.set_default_timeout(60_000)
    page = context.new_page()
    url = ask(page, service, TOPICS["live"], mode="multi_agent")
    page.evaluate(NOTE_DRAFTS)
    page.locator("#report .cite.draft").first.wait_for()
    keep(page, "research-live")
    expect(page.locator(".head .badge")).to_have_text("done")
    expect(page.locator("#report .cite.supported").first).to_be_visible()
    yield url, page.evaluate("window.seen")
    context.close()


def keep(page, name):
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


def test_a_research_is_watched_until_its_report_without_loading_the_page_anew(finished):
    _, seen = finished

    drafts = [int(one.split()[1]) for one in seen if one.startswith("running")]
    assert len(set(drafts)) > 1
    assert seen[-1].startswith("done")


def test_a_citation_shows_what_it_rests_on(finished, page):
    page.goto(finished[0])
    cite = page.locator("#report .cite").first
    card = page.locator("#card")

    cite.hover()
    expect(card).to_be_visible()
    expect(card.locator("q")).not_to_be_empty()
    expect(card).to_contain_text("supported")
    keep(page, "citation")
    assert list(violations(Axe().run(page))) == []
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    page.mouse.move(0, 0)
    cite.focus()
    expect(card).to_be_visible()

    quoted = card.locator("q").inner_text()
    card.get_by_role("link", name="in the text").click()
    expect(page.locator("#cited")).to_have_text(quoted)
    keep(page, "source")


def test_a_citation_opens_at_a_tap(finished, browser, signed_in):
    context = browser.new_context(
        storage_state=signed_in,
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
    )
    page = context.new_page()
    page.goto(finished[0])

    page.locator("#report .cite").first.tap()

    expect(page.locator("#card")).to_be_visible()
    assert "#source" not in page.url
    keep(page, "citation-phone")
    context.close()


def test_a_research_is_cancelled_and_goes_on(service, page):
    ask(page, service, TOPICS["compared"], mode="graph")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".head .badge")).to_have_text("cancelled")

    page.get_by_role("button", name="Resume").click()

    expect(page.locator(".head .badge")).to_have_text("done")


def test_a_page_goes_on_after_the_server_was_killed_in_mid_stream(service, page):
    ask(page, service, TOPICS["restarted"], mode="multi_agent")
    page.evaluate("window.kept = true")
    page.locator("#report section h2").first.wait_for()

    service.kill()
    expect(page.locator("#live")).to_contain_text("offline")
    keep(page, "offline")
    assert list(violations(Axe().run(page))) == []
    service.start()

    expect(page.locator(".head .badge")).to_have_text("done")
    expect(page.locator("#live")).to_have_text("live")
    assert page.evaluate("window.kept")


def test_a_plan_is_changed_and_then_worked_on(service, page):
    ask(page, service, TOPICS["planned"], button="Show plan first")
    first = page.locator("input[name=section]").first
    first.fill("The money of the harbour")
    keep(page, "plan")
    assert list(violations(Axe().run(page))) == []
    queue = page.context.new_page()
    queue.goto(f"{service.base}/dashboard/queue")
    expect(queue.locator("table")).to_contain_text("approval")
    keep(queue, "queue-waiting")

    page.get_by_role("button", name="Start with this plan").click()

    expect(page.locator(".head .badge")).to_have_text("done")
    expect(page.locator("#report")).to_contain_text("The money of the harbour")


def test_a_report_is_asked(finished, page):
    page.goto(finished[0])
    page.get_by_label("A question to this report").fill("When was the authority opened?")

    page.get_by_role("button", name="Ask").click()

    expect(page.locator("#answers .answer p").first).not_to_have_class("waiting")
    expect(page.locator("#answers .cite").first).to_be_visible()


def test_two_reports_are_compared(service, finished, page):
    ask(page, service, "Tanstodal peatland restoration plan")
    expect(page.locator(".head .badge")).to_have_text("done")
    page.goto(f"{service.base}/dashboard/compare")
    page.locator(".reports input").nth(0).check()
    page.locator(".reports input").nth(1).check()

    page.get_by_role("button", name="Compare").click()

    expect(page.locator("table.compare thead th")).to_have_count(3)
    expect(page.locator("table.compare")).to_contain_text("Citations supported")
    keep(page, "compared")
    assert list(violations(Axe().run(page))) == []


def test_everything_works_without_scripts(service, browser, signed_in):
    context = browser.new_context(
        java_script_enabled=False, color_scheme="light", storage_state=signed_in
    )
    context.set_default_timeout(60_000)
    page = context.new_page()
    ask(page, service, "Galpiwick school meal reform")
    page.get_by_role("button", name="Cancel").click()
    page.locator(".theme button").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("link", name="Library").click()
    page.get_by_label("Search documents and reports").fill("journal")
    page.get_by_role("button", name="Search", exact=True).click()
    page.locator(".hits a").first.click()
    expect(page.locator("#cited")).to_be_visible()
    context.close()


def test_a_theme_is_kept(service, page):
    page.goto(f"{service.base}/login")
    with page.expect_response(re.compile("/dashboard/theme")):
        page.locator(".theme button").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")

    page.goto(f"{service.base}/dashboard/queue")

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


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


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_has_a_fault_that_axe_finds(service, finished, page, troubles, width):
    page.set_viewport_size({"width": width, "height": 900})
    faults = []
    for name, url in places(service, finished).items():
        page.goto(url)
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            keep(page, f"{name}-{width}-{theme}")
            found = Axe().run(page)
            faults += [f"{name} {width} {theme}: {one}" for one in violations(found)]
        for part in ("html", ".main-nav"):
            over = page.locator(part).evaluate("one => one.scrollWidth - one.clientWidth")
            faults += [f"{name} {width}: {part} is {over} px too wide"] if over > 0 else []
        faults += [f"{name}: {one}" for one in page.evaluate("window.violations")]

    assert faults == []
    assert troubles == []


def violations(found):
    for rule in found.response["violations"]:
        for node in rule["nodes"]:
            yield f"{rule['id']} {node['target']} {node['html'][:200]}"


def test_a_page_is_light_and_needs_one_style(service, finished, context):
    heavy = []
    for name, url in places(service, finished).items():
        page = context.new_page()
        answers = []
        page.on("response", lambda one: answers.append(one))  # noqa: PLW0108, B023 - it marks what it is given
        page.goto(url, wait_until="load")
        kinds = [one.request.resource_type for one in answers]
        sizes = [
            len(one.body())
            for one in answers
            if one.request.resource_type in {"document", "stylesheet", "script"}
        ]
        page.close()
        assert kinds.count("stylesheet") == 1, name
        assert set(kinds) <= {"document", "stylesheet", "script", "image", "other"}, name
        if sum(sizes) > WEIGHT_BYTES:
            heavy.append((name, sizes))

    assert heavy == []
