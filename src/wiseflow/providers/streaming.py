"""Asks an endpoint for an answer that comes line by line: NDJSON, or events of a server."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final

import httpx2

from wiseflow.core.limits import Allowance
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.failures import connection_failure
from wiseflow.providers.headers import allowances
from wiseflow.providers.http import MAX_ANSWER_BYTES, HttpClients, read_bounded
from wiseflow.providers.keys import bearer
from wiseflow.providers.shapes import fields_of
from wiseflow.providers.statuses import Answered, malformed, status_failure

LAST_EVENT: Final = "[DONE]"


class LineStream:
    """One answer that comes as a line of JSON at a time.

    Args:
        endpoint: what is asked.
        clients: whose client of it is used.
        model: what is asked for, for messages.
    """

    def __init__(self, endpoint: Endpoint, clients: HttpClients, model: str) -> None:
        self._endpoint = endpoint
        self._clients = clients
        self._headers = bearer(endpoint)
        self._model = model
        self.allowances: tuple[Allowance, ...] = ()
        """What its headers told, once the first line has come."""

    async def post(
        self, path: str, body: Mapping[str, object]
    ) -> AsyncGenerator[Mapping[str, Any]]:
        """The objects of the answer as they come; who asks closes it. Raises ``CallError``."""
        read = 0
        try:
            client = self._clients.client(self._endpoint)
            url = self._endpoint.url(path)
            async with client.stream("POST", url, json=body, headers=self._headers) as response:
                await self._check(response)
                async for line in response.aiter_lines():
                    read += len(line)
                    if read > MAX_ANSWER_BYTES:
                        raise malformed(self._endpoint, f"more than {MAX_ANSWER_BYTES} bytes")
                    text = _data(line)
                    if text:
                        yield self._read(text)
        except httpx2.HTTPError as error:
            raise connection_failure(error, self._endpoint, self._clients.network) from error

    async def _check(self, response: httpx2.Response) -> None:
        now = self._clients.clock.now()
        if response.is_success:
            self.allowances = allowances(response.headers, now)
            return
        body = await read_bounded(response, MAX_ANSWER_BYTES) or b""
        answered = Answered(status=response.status_code, headers=response.headers, body=body)
        raise status_failure(self._endpoint, answered, now=now, model=self._model)

    def _read(self, line: str) -> Mapping[str, Any]:
        try:
            return fields_of(json.loads(line))
        except (ValueError, RecursionError):
            # Without the cause: it holds the line.
            raise malformed(self._endpoint, "with a line that is no whole JSON") from None


def _data(line: str) -> str:
    """The JSON in a line; "" where there is none.

    Source: WHATWG HTML, "Server-sent events": comments and other fields are left out.
    """
    text = line.removeprefix("data:").strip()
    other = text == LAST_EVENT or line.startswith((":", "event:", "id:", "retry:"))
    return "" if other else text
