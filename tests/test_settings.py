"""Settings are read once, checked all together, and documented one by one."""

from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import platformdirs
import pytest

from recollect.settings import Settings, SettingsError, client_key, variable

OPERATIONS = Path(__file__).parent.parent / "docs" / "operations.md"


def test_an_empty_environment_gives_a_loopback_service() -> None:
    settings = Settings.from_environment({})
    assert (settings.host, settings.port, settings.auth) == ("127.0.0.1", 8080, "auto")
    assert settings.store == f"sqlite:///{settings.data}/recollect.db"
    assert settings.data == platformdirs.user_data_path("recollect")
    assert not settings.is_public


def test_every_kind_of_value_is_read() -> None:
    settings = Settings.from_environment(
        {
            "RECOLLECT_PORT": "9000",
            "RECOLLECT_DATA": "/srv/memory",
            "RECOLLECT_DEMO": "no",
            "RECOLLECT_RATE_PER_S": "2.5",
            "RECOLLECT_CORS_ORIGINS": "https://a.example, https://b.example",
            "RECOLLECT_AUTH": "ON",
        }
    )
    assert settings.port == 9000
    assert settings.store == "sqlite:////srv/memory/recollect.db"
    assert settings.demo is False
    assert settings.rate_per_s == 2.5
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert settings.auth == "on"


def test_the_data_folder_is_absolute_wherever_the_shell_stands_later() -> None:
    assert Settings.from_environment({"RECOLLECT_DATA": "memories"}).data == Path.cwd() / "memories"
    assert Settings.from_environment({"RECOLLECT_DATA": "~/memories"}).data == Path.home() / "memories"


def test_a_misspelt_variable_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(SettingsError, match="RECOLLECT_WORKER: no such setting; the nearest is RECOLLECT_WORKERS"):
        Settings.from_environment({"RECOLLECT_WORKER": "4"})
    assert Settings.from_environment({"RECOLLECT_KEY": "k", "RECOLLECT_URL": "http://x", "OTHER": "1"})


def test_blank_variables_count_as_absent() -> None:
    assert Settings.from_environment({"RECOLLECT_PORT": " "}).port == 8080


def test_all_bad_values_are_named_at_once_and_none_is_echoed() -> None:
    bad = {"RECOLLECT_PORT": "eighty", "RECOLLECT_AUTH": "maybe", "RECOLLECT_WORKERS": "0", "RECOLLECT_DEMO": "perhaps"}
    with pytest.raises(SettingsError) as refusal:
        Settings.from_environment(bad)
    for name, value in bad.items():
        assert name in str(refusal.value)
        assert value not in str(refusal.value).replace("of at least 1", "")


@pytest.mark.parametrize("text", ["nan", "inf", "1e400", "-1"])
def test_numbers_must_be_finite_and_in_range(text: str) -> None:
    with pytest.raises(SettingsError, match="RECOLLECT_RATE_PER_S"):
        Settings.from_environment({"RECOLLECT_RATE_PER_S": text})


@pytest.mark.parametrize(
    ("host", "is_public"),
    [
        *[(host, False) for host in ("127.0.0.1", "127.8.8.8", "::1", "localhost")],
        *[(host, True) for host in ("0.0.0.0", "::", "192.0.2.7", "api.example")],
    ],
)
def test_only_loopback_addresses_are_private(host: str, is_public: bool) -> None:
    assert Settings(host=host).is_public is is_public


def test_the_url_is_one_a_client_here_can_use() -> None:
    assert Settings(host="0.0.0.0", port=1).url == "http://127.0.0.1:1"
    assert Settings(host="::1", port=2).url == "http://[::1]:2"


def test_settings_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]


def test_the_client_key_comes_from_its_own_variable() -> None:
    assert client_key({}) is None
    assert client_key({"RECOLLECT_KEY": "rk_x"}) == "rk_x"


def test_every_setting_is_documented_with_its_default() -> None:
    page = OPERATIONS.read_text(encoding="utf-8")
    for declared in fields(Settings):
        row = next((line for line in page.splitlines() if line.startswith(f"| `{variable(declared)}`")), "")
        assert declared.metadata["says"] in row, f"docs/operations.md does not say what {variable(declared)} is"
