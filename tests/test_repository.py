"""What no committed file may hold."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Written apart, so that this file does not hold what it forbids.
REGISTRY_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs"),
        ("registry", "yarnpkg"),
        ("crates", "io"),
        ("proxy", "golang", "org"),
        ("sum", "golang", "org"),
        ("repo1", "maven"),
        ("repo", "maven"),
        ("nuget", "org"),
        ("rubygems", "org"),
        ("packagist", "org"),
        ("docker", "io"),
        ("ghcr", "io"),
        ("quay", "io"),
    )
]
HOME_PATH = re.compile(rb"(?<![\w./-])/(home|Users|root|work|tmp/w)/")


def committed() -> list[Path]:
    """Every file that git tracks here; empty outside a clone."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    names = [name for name in listing.stdout.decode().split("\0") if name] if listing.returncode == 0 else []
    return [path for name in names if (path := ROOT / name).is_file()]


def test_no_committed_file_names_a_registry_or_a_home_folder() -> None:
    files = committed()
    if not files:
        pytest.skip("not in a git clone")
    found = []
    for path in files:
        content = path.read_bytes()
        found += [f"{path.relative_to(ROOT)}: {host}" for host in REGISTRY_HOSTS if host.encode() in content.lower()]
        found += [f"{path.relative_to(ROOT)}: {match.group().decode()}" for match in HOME_PATH.finditer(content)]
    assert not found


def test_lock_files_hold_hashes_and_no_addresses() -> None:
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        lines = path.read_text(encoding="utf-8").splitlines()
        pins = [line for line in lines if re.match(r"[a-z0-9]", line)]
        assert pins
        assert all("==" in pin and pin.endswith("\\") for pin in pins), path.name
        assert not [line for line in lines if "://" in line or line.startswith("-")], path.name
