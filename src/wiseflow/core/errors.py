"""The one error tree.

::

    WiseflowError
    ├── InvalidInput            what the user gave cannot be used      (exit 2, HTTP 422)
    │   ├── UnknownField        a field has a name that this version does not know
    │   └── TooLarge            it is more than is taken               (exit 2, HTTP 413)
    ├── ConfigurationError      a setting is unknown or wrong          (exit 3, HTTP 500)
    ├── Unauthenticated         nobody says who asks, or falsely       (exit 3, HTTP 401)
    ├── Forbidden               who asks may not do this               (exit 3, HTTP 403)
    ├── TooOften                who asks asks more than it may         (exit 1, HTTP 429)
    ├── NotFound                no such research, source, collection   (exit 4, HTTP 404)
    ├── Conflict                the state does not allow it            (exit 1, HTTP 409)
    │   ├── LeaseLost           another worker holds the job now
    │   └── IllegalTransition   a move the job's state table forbids
    ├── NoEvidence              the documents hold nothing on a topic  (exit 1, HTTP 422)
    ├── Cancelled               somebody asked for it to stop          (exit 1, HTTP 409)
    ├── TimeLimit               the work took longer than it may       (exit 1, HTTP 504)
    ├── DocumentError           one document cannot be read            (exit 1, HTTP 422)
    │   └── MissingExtra        a format needs an extra that is absent
    ├── StorageError            the database or the disk refuses       (exit 1, HTTP 503)
    │   ├── StorageFull         no room is left
    │   ├── IndexDamaged        files of a search index are missing or broken
    │   └── SchemaMismatch      the database has another version
    ├── WorkerError             a worker process did not finish a call (exit 1, HTTP 503)
    │   ├── WorkerCrashed       it died
    │   ├── WorkerTimeout       it took too long and was ended
    │   └── WorkerLimit         it went over its memory or CPU limit
    ├── BudgetSpent             a research may spend no more           (exit 1, HTTP 402)
    └── CallError               a call to the outside gave no answer   (exit 1, HTTP 502)
        ├── NetworkFailed       no connection, or it broke
        │   └── ConnectionRefused  the address, the proxy or a certificate is wrong
        ├── ProviderDown        the provider says it cannot now: 500, 503, 529
        ├── CallTimeout         no answer in time
        ├── RateLimited         too many requests, tokens or bytes
        ├── QuotaSpent          what the key may use is used up
        ├── AuthFailed          the key is missing, wrong or expired
        ├── BadRequest          the provider refuses the request as it is
        │   ├── ModelMissing    it has no such model
        │   └── ContextTooLong  the request is too long for the model
        ├── ContentRefused      the provider's policy forbids the content
        ├── MalformedOutput     the answer is broken, empty, or not as asked
        ├── CircuitOpen         the provider failed too often; not sent
        └── AddressForbidden    nothing may be sent to that address; not sent

The bases are the questions a caller asks; the leaves are facts. ``retryable`` says whether the same
call may succeed when it is made again; the edges map ``exit_code`` and ``http_status`` once.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import ClassVar

from wiseflow.core.limits import Allowance

_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")


class WiseflowError(Exception):
    """Any error this program raises on purpose.

    Args:
        message: what happened, to what, as one sentence without a final full stop.
        cure: what the reader can do about it; shown after the message.
    """

    retryable: ClassVar[bool] = False
    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 500

    def __init__(self, message: str, *, cure: str = "") -> None:
        super().__init__(message, cure)
        self.message = message
        self.cure = cure

    def __str__(self) -> str:
        return f"{self.message}. {self.cure}" if self.cure else self.message

    def __reduce__(self) -> tuple[object, ...]:
        # These errors cross processes; the default would lose ``cure`` and the leaves' own data.
        return _rebuild, (type(self), self.message, self.cure, self.__dict__)


def code_of(kind: type[WiseflowError]) -> str:
    """The name of a kind of error outside of Python: ``not_found``."""
    return _WORDS.sub("_", kind.__name__).lower()


def _rebuild(
    kind: type[WiseflowError], message: str, cure: str, state: dict[str, object]
) -> WiseflowError:
    error = kind.__new__(kind)
    WiseflowError.__init__(error, message, cure=cure)
    error.__dict__.update(state)
    return error


class InvalidInput(WiseflowError):
    """What the user gave cannot be used."""

    exit_code: ClassVar[int] = 2
    http_status: ClassVar[int] = 422


class UnknownField(InvalidInput):
    """A field that this version does not know: a slip of the pen, or a newer version's."""


class TooLarge(InvalidInput):
    """What the user gave is more than is taken at once, or than there is room for."""

    http_status: ClassVar[int] = 413


class ConfigurationError(WiseflowError):
    """A setting is unknown, wrong, or in conflict with another."""

    exit_code: ClassVar[int] = 3


class Unauthenticated(WiseflowError):
    """Who asks is not told, or its key is not one of ours."""

    exit_code: ClassVar[int] = 3
    http_status: ClassVar[int] = 401


class Forbidden(WiseflowError):
    """Who asks is known, and may not do this."""

    exit_code: ClassVar[int] = 3
    http_status: ClassVar[int] = 403


class TooOften(WiseflowError):
    """Who asks has asked more often than it may; later it may again.

    Args:
        message: how often is allowed.
        retry_after_s: after how many seconds to ask again.
    """

    retryable: ClassVar[bool] = True
    http_status: ClassVar[int] = 429

    def __init__(self, message: str, *, retry_after_s: float, cure: str = "") -> None:
        super().__init__(message, cure=cure)
        self.retry_after_s = retry_after_s


class NotFound(WiseflowError):
    """No such research, source, collection or file."""

    exit_code: ClassVar[int] = 4
    http_status: ClassVar[int] = 404


class Conflict(WiseflowError):
    """The thing is in a state that does not allow what was asked."""

    http_status: ClassVar[int] = 409


class LeaseLost(Conflict):
    """The worker no longer holds the job: its writes are refused."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"the lease on job {job_id} is held by another worker")
        self.job_id = job_id


class IllegalTransition(Conflict):
    """The state table of jobs has no such move."""

    def __init__(self, job_id: str, status: str, move: str) -> None:
        super().__init__(f"job {job_id} is {status}, so it cannot {move}")
        self.job_id = job_id
        self.status = status
        self.move = move


class NoEvidence(WiseflowError):
    """The documents hold nothing on the topic."""

    http_status: ClassVar[int] = 422


class Cancelled(WiseflowError):
    """Somebody asked for the work to stop."""

    http_status: ClassVar[int] = 409


class TimeLimit(WiseflowError):
    """The work took longer than it may, and was ended."""

    http_status: ClassVar[int] = 504


class DocumentError(WiseflowError):
    """One document cannot be read; the others go on."""

    http_status: ClassVar[int] = 422


class MissingExtra(DocumentError):
    """A document's format needs an optional dependency that is not installed."""

    def __init__(self, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the extra {extra!r}",
            cure=f"Install it: pip install 'wiseflow[{extra}]'",
        )
        self.extra = extra


class StorageError(WiseflowError):
    """The database or the disk refuses."""

    retryable: ClassVar[bool] = True
    http_status: ClassVar[int] = 503


class StorageFull(StorageError):
    """No room is left for the database or the data folder."""


class IndexDamaged(StorageError):
    """Files of a search index are missing or broken; indexing again makes it anew."""

    retryable: ClassVar[bool] = False


class SchemaMismatch(StorageError):
    """The database's schema is of another version than this program."""

    retryable: ClassVar[bool] = False


class WorkerError(WiseflowError):
    """A worker process did not finish a call."""

    retryable: ClassVar[bool] = True
    http_status: ClassVar[int] = 503


class WorkerCrashed(WorkerError):
    """The worker process died during the call."""


class WorkerTimeout(WorkerError):
    """The call took longer than it may; its worker was ended."""


class WorkerLimit(WorkerError):
    """The call went over its worker's memory or CPU limit."""

    retryable: ClassVar[bool] = False


class BudgetSpent(WiseflowError):
    """A research may spend no more; what it has so far is kept.

    Args:
        message: what would have been spent, and what is left.
        resource: ``money``, ``tokens`` or ``seconds``.
    """

    http_status: ClassVar[int] = 402

    def __init__(self, message: str, *, resource: str, cure: str = "") -> None:
        super().__init__(message, cure=cure)
        self.resource = resource


class ErrorClass(StrEnum):
    """What kind of trouble a call met; each has a strategy of its own."""

    TRANSIENT = "transient"
    RATE_LIMIT = "rate_limit"
    AUTH = "auth"
    QUOTA = "quota"
    CONTEXT_LENGTH = "context_length"
    BAD_REQUEST = "bad_request"
    CONTENT_POLICY = "content_policy"
    MALFORMED_OUTPUT = "malformed_output"
    NETWORK = "network"
    FATAL = "fatal"


class CallError(WiseflowError):
    """A call to the outside gave no answer that can be used.

    Args:
        message: what happened; never a key, nor what was sent.
        provider: the name of who was called.
        cure: what the reader can do about it.
        retry_after_s: how long the provider asks to wait, in seconds; ``None`` when it does not.
        allowances: what the answer's headers told of the key's limits.
    """

    http_status: ClassVar[int] = 502
    error_class: ClassVar[ErrorClass] = ErrorClass.FATAL

    def __init__(
        self,
        message: str,
        *,
        provider: str = "",
        cure: str = "",
        retry_after_s: float | None = None,
        allowances: tuple[Allowance, ...] = (),
    ) -> None:
        super().__init__(message, cure=cure)
        self.provider = provider
        self.retry_after_s = retry_after_s
        self.allowances = allowances


class NetworkFailed(CallError):
    """No connection could be made, or it broke before the answer was whole."""

    retryable: ClassVar[bool] = True
    error_class: ClassVar[ErrorClass] = ErrorClass.NETWORK


class ConnectionRefused(NetworkFailed):
    """A connection will not come about as things are set: proxy, certificate, or address."""

    retryable: ClassVar[bool] = False


class ProviderDown(CallError):
    """The provider answers that it cannot do it now."""

    retryable: ClassVar[bool] = True
    error_class: ClassVar[ErrorClass] = ErrorClass.TRANSIENT


class CallTimeout(CallError):
    """No whole answer came in time."""

    retryable: ClassVar[bool] = True
    http_status: ClassVar[int] = 504
    error_class: ClassVar[ErrorClass] = ErrorClass.TRANSIENT


class RateLimited(CallError):
    """The key has sent too much; it may go on after a while."""

    retryable: ClassVar[bool] = True
    http_status: ClassVar[int] = 503
    error_class: ClassVar[ErrorClass] = ErrorClass.RATE_LIMIT


class QuotaSpent(CallError):
    """What the key may use is used up, until somebody pays or a day has gone."""

    error_class: ClassVar[ErrorClass] = ErrorClass.QUOTA


class AuthFailed(CallError):
    """The key is missing, wrong, expired, or may not do this."""

    error_class: ClassVar[ErrorClass] = ErrorClass.AUTH


class BadRequest(CallError):
    """The provider refuses the request as it is; sent again it would be refused again."""

    error_class: ClassVar[ErrorClass] = ErrorClass.BAD_REQUEST


class ModelMissing(BadRequest):
    """The provider has no such model, or the key may not use it."""


class ContextTooLong(BadRequest):
    """The request, with the room for its answer, is too long for the model."""

    error_class: ClassVar[ErrorClass] = ErrorClass.CONTEXT_LENGTH


class ContentRefused(CallError):
    """The provider's or the model's policy forbids the content."""

    error_class: ClassVar[ErrorClass] = ErrorClass.CONTENT_POLICY


class MalformedOutput(CallError):
    """The answer is broken, empty, or not of the form that was asked for."""

    retryable: ClassVar[bool] = True
    error_class: ClassVar[ErrorClass] = ErrorClass.MALFORMED_OUTPUT


class CircuitOpen(CallError):
    """The provider failed too often of late; the call was not sent."""

    retryable: ClassVar[bool] = True
    http_status: ClassVar[int] = 503
    error_class: ClassVar[ErrorClass] = ErrorClass.TRANSIENT


class AddressForbidden(CallError):
    """Nothing may be sent to that address: it is private, or everything is to stay here."""
