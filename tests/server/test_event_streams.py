"""Events of researches as a stream: numbered, resumed, ended, freed."""

import asyncio
import json

import httpx2
import pytest

from wiseflow.app.following import Following
from wiseflow.core.jobs import JobStatus, Outcome
from wiseflow.server.serving import ServerOptions, serve


def messages(text):
    """The messages of a stream: (id, event, data), comments left out."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in block.splitlines() if not line.startswith(":")
        )
        if "event" in fields:
            found.append((fields.get("id"), fields["event"], json.loads(fields["data"])))
    return found


async def test_a_stream_tells_all_in_order_and_ends_with_the_research(api, run):
    research = await run("Tides of the sea")

    answer = await api.get(f"/research/{research['id']}/events")

    *told, last = messages(answer.text)
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert [int(number) for number, _, _ in told] == list(range(1, len(told) + 1))
    assert last == (None, "end", {"status": "completed"})


@pytest.mark.parametrize(
    "resumed", [{"params": {"after": 2}}, {"headers": {"Last-Event-ID": "2"}}], ids=str
)
async def test_a_stream_is_taken_up_after_the_event_that_is_known(api, run, resumed):
    research = await run("Tides of the moon")

    answer = await api.get(f"/research/{research['id']}/events", **resumed)

    assert messages(answer.text)[0][0] == "3"


async def test_who_comes_again_after_the_end_is_told_that_nothing_comes(api, run):
    address = f"/research/{(await run('High tides'))['id']}/events"
    last = messages((await api.get(address)).text)[-2][0]

    answer = await api.get(address, headers={"Last-Event-ID": last})

    assert answer.status_code == 204


async def test_events_of_what_is_not_there_are_a_problem(client):
    assert (await client.get("/api/v1/research/nowhere/events")).status_code == 404


async def until(holds):
    """Wait for what another task does."""
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - nothing tells when it is so
            await asyncio.sleep(0.01)


@pytest.fixture
async def working(application):
    """A research that runs in no worker, its events appended by hand."""
    [job_id] = await application.queue.submit([application.research_request("Tides", {})])
    [(_, lease)] = await application.queue.claim("me", lease_s=60, limit=1, kinds=["research"])

    class Working:
        id = job_id

        async def tell(self, count):
            await application.events.append(lease, [("step", {"n": n}) for n in range(count)])

        async def end(self):
            await application.queue.finish(lease, Outcome(status=JobStatus.COMPLETED))

    return Working()


async def test_all_followers_are_told_each_event_once_whenever_they_come(application, working):
    async def follow(after):
        events = application.following.follow(working.id, after=after)
        return [event.number async for event in events]

    await working.tell(3)
    async with asyncio.TaskGroup() as group:
        early = [group.create_task(follow(after)) for after in (0, 0, 2)]
        for count in (1, 300, 40):
            await asyncio.sleep(0.3)
            await working.tell(count)
        late = group.create_task(follow(5))
        await working.end()

    last = 3 + 1 + 300 + 40
    assert [task.result() for task in early] == [
        list(range(first, last + 1)) for first in (1, 1, 3)
    ]
    assert late.result() == list(range(6, last + 1))
    assert application.following.followers == 0


async def test_news_that_are_being_read_are_waited_for(application, working):
    reading, gate = asyncio.Event(), asyncio.Event()
    gate.set()

    class Slow:
        """The events, where reading them may take a while."""

        heads = application.events.heads

        async def events(self, *args, **options):
            reading.set()
            await gate.wait()
            return await application.events.events(*args, **options)

    async def news(batches):
        return [event.number async for events, _ in batches for event in events]

    following = Following(Slow(), application.clock)
    await working.tell(1)
    async with asyncio.TaskGroup() as group:
        looking = group.create_task(news(following.batches(working.id)), name="who looks")
        await until(lambda: following.followers == 1)
        await reading.wait()
        gate.clear()
        reading.clear()
        await working.tell(1)
        await reading.wait()
        # It comes while the news are being read, and must let that go on.
        other = group.create_task(news(following.batches(working.id, after=1)), name="who waits")
        await until(lambda: following.followers == 2)
        gate.set()
        await working.end()

    assert (looking.result(), other.result()) == ([1, 2], [2])


async def test_when_the_one_who_looks_goes_away_another_looks(application, working):
    heard = asyncio.Event()

    async def follow(told):
        async for _ in application.following.follow(working.id):
            told.set()

    first = asyncio.create_task(follow(asyncio.Event()), name="first")
    await asyncio.sleep(0)
    second = asyncio.create_task(follow(heard), name="second")
    await until(lambda: application.following.followers == 2)
    first.cancel()
    await working.tell(1)
    await heard.wait()
    await working.end()
    await second

    assert application.following.followers == 0


async def test_a_deleted_research_ends_its_streams(application, client):
    made = (await client.post("/api/v1/research", json={"topic": "Tides"})).json()
    address = f"/api/v1/research/{made['id']}"
    stream = asyncio.create_task(client.get(f"{address}/events"), name="stream")
    await until(lambda: application.following.followers == 1)

    await client.delete(address)

    assert messages((await stream).text) == [(None, "end", {"status": "deleted"})]


async def test_who_leaves_frees_what_it_held(application, working):
    stop, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
    options = ServerOptions(port=0)
    async with asyncio.TaskGroup() as group:
        group.create_task(serve(application, options, stop=stop, on_ready=ready.set_result))
        address = f"{await ready}/api/v1/research/{working.id}/events"
        async with httpx2.AsyncClient() as client, client.stream("GET", address):
            assert application.following.followers == 1
        await until(lambda: application.following.followers == 0)
        stop.set()


async def test_too_many_followers_are_sent_elsewhere(application, client, working, monkeypatch):
    settings = application.settings.model_copy(update={"event_clients_max": 1})
    monkeypatch.setattr(application, "settings", settings)
    follower = application.following.follow(working.id)
    await working.tell(1)
    await anext(follower)

    answer = await client.get(f"/api/v1/research/{working.id}/events")

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    await follower.aclose()


async def test_a_server_that_stops_lets_its_followers_go(application, working):
    await working.tell(1)
    application.following.stop()

    assert [event.number async for event in application.following.follow(working.id)] == [1]
