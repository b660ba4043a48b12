"""The documentation as pages at /guide: the Markdown of the project, rendered when it is first read."""

from __future__ import annotations

import html
import os.path
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

_HERE = Path(__file__).parent
# An installation has the documents beside the handlers, a checkout at its root.
ROOT = _HERE / "guide" if (_HERE / "guide").is_dir() else _HERE.parent
INDEX = "docs/README.md"
SOURCES = ("docs", "deploy", "clients/python", "clients/typescript", "generated_clients")
FILES = {
    ".yaml": "application/yaml",
    ".ipynb": "application/x-ipynb+json",
    ".png": "image/png",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
}
SECURITY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
_LINKS = re.compile(r"\[([^\]]+)\]\(([^)]+\.md)\)")


def documents(root: Path = ROOT) -> Iterator[Path]:
    """Every page of the guide, every picture, and the contract of every release."""
    yield from sorted(root.glob("*.md"))
    for folder in SOURCES:
        for path in sorted((root / folder).glob("**/*" if folder == "docs" else "README.md")):
            if path.suffix in {".md", *FILES}:
                yield path


class Guide:
    """The pages by path. Nothing is rendered before somebody reads it."""

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root
        self.paths: Mapping[str, Path] = {_place(path.relative_to(root)): path for path in documents(root)}
        self._markdown = MarkdownIt("commonmark", {"html": False, "highlight": _highlighted}).enable("table")
        self._markdown.add_render_rule("table_open", lambda *_: '<div class="wide" tabindex="0"><table>')
        self._markdown.add_render_rule("table_close", lambda *_: "</table></div>")

    def read(self, path: str) -> tuple[bytes, str]:
        """The content at a path of the guide, and its media type."""
        source = self.paths[path]
        if source.suffix in FILES:
            return source.read_bytes(), FILES[source.suffix]
        return self._page(path, source).encode(), "text/html; charset=utf-8"

    def _page(self, here: str, source: Path) -> str:
        tokens = self._markdown.parse(source.read_text(encoding="utf-8"))
        _anchor(tokens)
        for token in _all(tokens):
            if "style" in token.attrs:  # the side of a column
                token.attrs["class"] = str(token.attrs.pop("style")).rpartition(":")[2]
            for name in ("href", "src"):
                if name in token.attrs:
                    self._lead(token, name, here, source)
        title = next((tokens[n + 1].content for n, each in enumerate(tokens) if each.type == "heading_open"), "Guide")
        body = self._markdown.renderer.render(tokens, self._markdown.options, {})
        up = _relative("/", here)
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<meta name="color-scheme" content="light dark">'
            f'<title>{html.escape(title)} · Recollect</title><link rel="stylesheet" href="{up}docs/guide.css">'
            f'<link rel="icon" href="{up}explorer/icon.svg" type="image/svg+xml"></head><body>'
            '<a class="skip" href="#content">Skip to the text</a>'
            f'<header><a class="brand" href="{up}"><img src="{up}explorer/icon.svg" alt="" width="26" height="26">'
            f'Recollect</a><nav aria-label="Site"><a href="{up}">Explorer</a><a href="{up}guide">Guide</a>'
            f'<a href="{up}docs">API</a><a href="{up}problems">Errors</a></nav></header>'
            f'<div class="columns"><nav class="pages" aria-label="Pages">{self._contents(here)}</nav>'
            f'<main id="content" tabindex="-1">{body}</main></div></body></html>'
        )

    def _lead(self, token: Token, name: str, here: str, source: Path) -> None:
        """Make a link between files one between pages; what is no page here loses its link."""
        target, mark, anchor = str(token.attrs[name]).partition("#")
        if not target or "://" in target or target.startswith("mailto:"):
            return
        found = Path(os.path.normpath(source.parent / target)).relative_to(self._root)
        place = _place(found)
        if place in self.paths:
            token.attrs[name] = _relative(place, here) + mark + anchor
        else:
            del token.attrs[name]
            token.attrs["title"] = str(found)

    def _contents(self, here: str) -> str:
        """The list of pages beside each page, in the order of the index."""
        parts = []
        for group, links in self._groups:
            items = "".join(
                f'<li><a href="{_relative(place, here)}"{" aria-current=page" * (place == here)}>{text}</a></li>'
                for text, place in links
            )
            parts.append(f"<details{' open' * any(place == here for _, place in links)}><summary>{group}</summary>"
                         f"<ul>{items}</ul></details>")  # fmt: skip
        return "".join(parts)

    @cached_property
    def _groups(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """The rows of the index: what a reader wants, and the pages for it."""
        groups = []
        for line in (self._root / INDEX).read_text(encoding="utf-8").splitlines():
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            found = _LINKS.findall(line)
            if line.startswith("|") and found:
                links = [
                    (html.escape(text), _place(Path(os.path.normpath(Path(INDEX).parent / target))))
                    for text, target in found
                ]
                groups.append((html.escape(cells[0]), links))
        return groups


def _place(path: Path) -> str:
    """Where a file of the project is in the guide."""
    parts = list(path.parts)
    if parts[0] == "docs":
        parts.pop(0)
    if parts and parts[-1] == "README.md":
        parts[-1:] = [] if len(path.parts) > 1 else ["readme.md"]
    if len(path.parts) == 1:
        parts = [part.lower() for part in parts]
    return "/".join(["/guide", *parts]).removesuffix(".md")


def _relative(place: str, here: str) -> str:
    """The way from one page to another, without a host or a prefix: it holds behind any proxy."""
    way = os.path.relpath(place, os.path.dirname(here) or "/")
    return "./" if way == "." else way + "/" * place.endswith("/")


def _anchor(tokens: list[Token]) -> None:
    """Give every heading the id that a link with `#` means."""
    for heading, text in pairwise(tokens):
        if heading.type == "heading_open":
            words = re.sub(r"[^\w\- ]", "", text.content.lower())
            heading.attrs["id"] = words.strip().replace(" ", "-")


def _all(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _all(token.children or [])


def _highlighted(code: str, language: str, _: Any) -> str:
    """Code with classes for its parts, and no inline style."""
    try:
        lexer = get_lexer_by_name(language or "text")
    except ClassNotFound:
        lexer = get_lexer_by_name("text")
    shown: str = highlight(code, lexer, HtmlFormatter(nowrap=True))
    return f'<pre tabindex="0"><code class="code">{shown}</code></pre>'
