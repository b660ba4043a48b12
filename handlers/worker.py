"""What one worker process of the HTTP edge holds: nothing at import or before a fork, all of it once opened."""

from __future__ import annotations

from dataclasses import dataclass, field

from handlers.framing import RequestIds
from recollect import telemetry
from recollect.errors import Unavailable
from recollect.service.access import Access
from recollect.service.entrance import Entrance
from recollect.service.quota import Quota
from recollect.service.runtime import Runtime
from recollect.service.underway import UnderWay
from recollect.settings import Settings


@dataclass(slots=True)
class Worker:
    """The runtime between start and stop, and what admits requests to it."""

    settings: Settings
    quota: Quota  # this and the entrance are the runtime's, once there is one: both edges count together
    entrance: Entrance
    request_ids: RequestIds = field(default_factory=RequestIds)
    under_way: UnderWay = field(default_factory=UnderWay)
    is_ready: bool = False
    _runtime: Runtime | None = None
    _access: Access | None = None

    def open(self, runtime: Runtime) -> None:
        """Take over the runtime; `is_ready` is for whoever has seen that all is well."""
        self._runtime = runtime
        self.quota, self.entrance = runtime.quota, runtime.entrance
        self._access = Access(runtime.settings, runtime.store)
        telemetry.metrics().follow("requests_in_flight", self.under_way.__len__, "http")

    def close(self) -> None:
        """Refuse requests that need the store."""
        self.is_ready = False
        self._runtime = self._access = None

    @property
    def runtime(self) -> Runtime:
        """The runtime; raises Unavailable while there is none."""
        if self._runtime is None:
            raise warming_up()
        return self._runtime

    @property
    def access(self) -> Access:
        """Who may do what; raises Unavailable while nobody can know."""
        if self._access is None:
            raise warming_up()
        return self._access


def warming_up() -> Unavailable:
    """The refusal until the memories are loaded."""
    return Unavailable(
        "The worker is still loading its memories; retry in 1 s.", code="WARMING_UP", headers={"Retry-After": "1"}
    )
