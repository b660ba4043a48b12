"""What is installed to serve, under which licences, and that no secret is committed.

`python -m tests.supply sbom` writes build/sbom.json (CycloneDX) and build/licences.txt and refuses a licence that is
not known to fit; `python -m tests.supply secrets` looks through every committed text file.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

BUILD = Path("build")
# Licences under which parts may be installed beside Apache-2.0, as they are called by SPDX or by PyPI.
FITTING = re.compile(
    r"Apache|MIT|BSD|ISC|PSF|Python Software Foundation|MPL-2\.0|Mozilla Public License 2\.0|Unlicense|0BSD|Zlib|zlib|"
    r"Public Domain|CC0|HPND|any-OSI",
    re.IGNORECASE,
)
# Generated files and locks hold digests by the thousand; so do the examples' made-up incarnation.
UNREAD = re.compile(r"^(requirements|generated_clients|docs/releases|recollect/rpc/v1)/|lock|\.(png|gz|binpb|svg)$")
EXAMPLES = ["5b0f9c1d7a42", "s3cret"]
# Digests of answers and names of traces in examples are long numbers, too.
PUBLIC = [
    r'"?(digest|twin|example)"?: "?[0-9a-f]{64}',
    r'TRACE, PARENT = "[0-9a-f]{32}", "[0-9a-f]{16}"',
]


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def served() -> set[str]:
    """The names that the lock of the serving install holds."""
    lock = Path("requirements/serve.txt").read_text("utf-8")
    return {canonical(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", lock, re.MULTILINE)}


def licences(component: dict[str, Any]) -> list[str]:
    """As the part tells them: SPDX ids, expressions or names."""
    told = component.get("licenses", ())
    kinds = [each.get("expression") or each["license"].get("id") or each["license"].get("name") for each in told]
    found = [kind for kind in kinds if kind]
    return found or [metadata(component["name"]).get("License") or "none told"]


def sbom() -> int:
    BUILD.mkdir(exist_ok=True)
    whole = BUILD / "environment.json"
    environment = str(Path(sys.executable).parent.parent)
    run(tool("cyclonedx-py"), "environment", "--output-format", "JSON", "--output-file", str(whole), environment)
    bill = json.loads(whole.read_text("utf-8"))
    whole.unlink()
    names = served()
    bill["components"] = [each for each in bill["components"] if canonical(each["name"]) in names]
    kept = {each["bom-ref"] for each in bill["components"]}
    bill["dependencies"] = [each for each in bill.get("dependencies", ()) if each["ref"] in kept]
    (BUILD / "sbom.json").write_text(json.dumps(bill, indent=1), "utf-8")
    lines, strange = [], []
    for each in sorted(bill["components"], key=lambda component: canonical(component["name"])):
        found = licences(each)
        lines.append(f"{each['name']} {each['version']}: {', '.join(found)}")
        if not any(FITTING.search(name) for name in found):
            strange.append(lines[-1])
    (BUILD / "licences.txt").write_text("\n".join(lines) + "\n", "utf-8")
    print(f"{len(lines)} of {len(names)} locked parts are installed here; build/sbom.json, build/licences.txt")
    for line in strange:
        print(f"LICENCE TO BE LOOKED AT: {line}")
    return len(strange)


def secrets() -> int:
    files = [name for name in run("git", "ls-files").splitlines() if not UNREAD.search(name)]
    excluded = [argument for each in EXAMPLES for argument in ("--exclude-secrets", re.escape(each))]
    excluded += [argument for each in PUBLIC for argument in ("--exclude-lines", each)]
    found = json.loads(run(tool("detect-secrets"), "scan", *excluded, *files))["results"]
    for name, places in found.items():
        for place in places:
            print(f"{name}:{place['line_number']}: {place['type']}")
    print(f"{len(files)} files, {sum(map(len, found.values()))} secrets")
    return len(found)


if __name__ == "__main__":
    sys.exit({"sbom": sbom, "secrets": secrets}[sys.argv[1]]())
