"""Keys are made on the data folder and count on a running server at once."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import Served, start, stop
from tests.cli.forking import Ran


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of its own: the first key locks it for good."""
    served = start(tmp_path_factory.mktemp("locked"), RECOLLECT_DEMO="false")
    yield served
    stop(served)


def test_a_key_is_created_listed_and_revoked(recollect: Callable[..., Ran], tmp_path: Path) -> None:
    here = {"RECOLLECT_DATA": str(tmp_path)}
    made = json.loads(
        recollect("keys", "create", "-l", "app", "-a", "read", "-s", "a", "--days", "2", "--json", **here).out
    )
    assert made["actions"] == ["read"]
    assert made["spaces"] == ["a"]
    listing = recollect("keys", "list", **here)
    assert made["key_id"] in listing.out
    assert made["key"] not in listing.out
    assert recollect("keys", "revoke", made["key_id"], **here).code == 0
    assert "revoked" in recollect("keys", "list", **here).out
    assert recollect("keys", "revoke", "key_unknown", **here).code == 1


@pytest.mark.slow
def test_the_first_key_locks_a_running_server_and_revoking_it_opens_nothing(
    recollect: Callable[..., Ran], locked: Served
) -> None:
    here = {"RECOLLECT_DATA": str(locked.data)}
    assert httpx.get(f"{locked.url}/api/v1/spaces").status_code == 200
    made = recollect("keys", "create", **here)
    secret = made.out.strip()
    assert "shown once" in made.err
    assert httpx.get(f"{locked.url}/api/v1/spaces").status_code == 401
    assert recollect("spaces", "list", "--url", locked.url).code == 1
    assert recollect("spaces", "list", "--url", locked.url, "--key", secret).code == 0
    assert recollect("spaces", "list", "--url", locked.url, RECOLLECT_KEY=secret).code == 0
    (key,) = json.loads(recollect("keys", "list", "--json", **here).out)["items"]
    assert recollect("keys", "revoke", key["key_id"], **here).code == 0
    for headers in ({}, {"Authorization": f"Bearer {secret}"}):
        assert httpx.get(f"{locked.url}/api/v1/spaces", headers=headers).status_code == 401
