"""What lies outside the contract's base path: documentation, problem pages, probes and metrics."""

from __future__ import annotations

import asyncio
import hashlib
import html
import importlib.util
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from handlers import guide, problems
from handlers.worker import Worker, warming_up
from recollect import samples, telemetry, tools
from recollect.errors import RouteNotFound

Page = Callable[[Request], Awaitable[Response]]

_STATIC = Path(__file__).parent / "static"
_SECURITY = {
    # Swagger UI styles elements inline; everything else it needs comes from here.
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "Referrer-Policy": "no-referrer",
}
# The explorer has no inline style, and builds no element from text.
_EXPLORER_SECURITY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'",
    "Referrer-Policy": "no-referrer",
}
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class Pages:
    """The pages and the files they need, read once."""

    def __init__(self, worker: Worker, contract_yaml: bytes, contract: Mapping[str, Any]) -> None:
        self._worker = worker
        swagger = _swagger_ui()
        self._files = {
            "/openapi.yaml": _File(contract_yaml, "application/yaml"),
            "/openapi.json": _File(orjson.dumps(samples.with_samples(contract)), "application/json"),
            "/tools.json": _File(orjson.dumps(tools.as_functions(contract)), "application/json"),
            "/llms.txt": _File(tools.as_text(contract).encode(), "text/plain; charset=utf-8"),
            "/docs": _File((_STATIC / "docs.html").read_bytes(), "text/html; charset=utf-8"),
            "/docs/docs.js": _File((_STATIC / "docs.js").read_bytes(), "text/javascript; charset=utf-8"),
            "/docs/docs.css": _File((_STATIC / "docs.css").read_bytes(), "text/css; charset=utf-8"),
            "/docs/guide.css": _File((_STATIC / "guide.css").read_bytes(), "text/css; charset=utf-8"),
            "/docs/page.css": _File((_STATIC / "page.css").read_bytes(), "text/css; charset=utf-8"),
            "/docs/swagger-ui.css": _File((swagger / "swagger_style.css").read_bytes(), "text/css; charset=utf-8"),
            "/docs/swagger-ui.js": _File(
                (swagger / "swagger_bundle.js").read_bytes(), "text/javascript; charset=utf-8"
            ),
        }
        self._files |= _explorer()
        self._guide = guide.Guide()
        self.routes: Mapping[str, Page] = {
            **dict.fromkeys(self._files, self.file),
            **dict.fromkeys(self._guide.paths, self.guide),
            "/docs/": self.documentation,
            "/guide/": self.guide_index,
            "/problems": self.problem_list,
            "/problems/{slug}": self.problem,
            "/livez": self.livez,
            "/readyz": self.readyz,
            "/metrics": self.metrics,
        }

    async def file(self, request: Request) -> Response:
        """A file as it was read at start; 304 where the client has it already."""
        return self._files[request.url.path].reply(request)

    async def documentation(self, _: Request) -> Response:
        """The way to the documentation, relative: it holds behind any prefix."""
        return RedirectResponse("../docs")

    async def guide(self, request: Request) -> Response:
        """A page or a picture of the guide; the first reader of a page has it rendered, beside the event loop."""
        if (file := self._files.get(request.url.path)) is None:
            content, media_type = await asyncio.to_thread(self._guide.read, request.url.path)
            file = self._files[request.url.path] = _File(content, media_type, guide.SECURITY)
        return file.reply(request)

    async def guide_index(self, _: Request) -> Response:
        """The way to the guide, relative as all links."""
        return RedirectResponse("../guide")

    async def livez(self, _: Request) -> Response:
        """Alive: the event loop answers."""
        return _json({"status": "ok"})

    async def readyz(self, _: Request) -> Response:
        """Ready: the worker is open and its store takes writes."""
        if not self._worker.is_ready:
            raise warming_up()
        runtime = self._worker.runtime
        await runtime.read(runtime.store.require_writable)
        return _json({"status": "ok"})

    async def metrics(self, request: Request) -> Response:
        """Prometheus' exposition of all workers."""
        body, media_type = telemetry.metrics().render()
        return Response(body, headers={"Content-Type": media_type, "Cache-Control": "no-store"})

    async def problem_list(self, _: Request) -> Response:
        """Every problem type."""
        rows = "".join(
            f'<tr><td>{kind.status}</td><td><a href="problems/{slug}">{html.escape(kind.title)}</a><br>'
            f"<code>{html.escape(kind.code)}</code></td><td>{problems.marked(kind.remedy)}</td></tr>"
            for slug, kind in problems.TYPES.items()
        )
        note = "<p>Everything that can be refused, by status. Each leads to what it means and where it comes from.</p>"
        head = "<tr><th>Status</th><th>Problem</th><th>What to do</th></tr>"
        return _page("Errors", f"{note}<table>{head}{rows}</table>", "")

    async def problem(self, request: Request) -> Response:
        """One problem type, for people: what it means and what to do."""
        kind = problems.TYPES.get(request.path_params["slug"])
        if kind is None:
            raise RouteNotFound("There is no problem type of this name; /problems lists them.")
        return _page(kind.title, problems.describe(kind), "../")


class _File:
    """A file in memory with its entity tag."""

    def __init__(self, content: bytes, media_type: str, security: Mapping[str, str] = _SECURITY) -> None:
        self._content = content
        self._etag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
        self._headers = {
            "Content-Type": media_type,
            "ETag": self._etag,
            "Cache-Control": "public, max-age=300",
            **security,
        }

    def reply(self, request: Request) -> Response:
        if request.headers.get("if-none-match") == self._etag:
            return Response(status_code=304, headers=self._headers)
        return Response(self._content, headers=self._headers)


def _explorer() -> dict[str, _File]:
    """The explorer by path: its page at the root, the files it is made of beside each other."""
    files = {
        f"/explorer/{path.name}": _File(path.read_bytes(), _MEDIA_TYPES[path.suffix], _EXPLORER_SECURITY)
        for path in (_STATIC / "explorer").iterdir()
    }
    return {**files, "/": files.pop("/explorer/index.html")}


def _json(value: Any) -> Response:
    return Response(orjson.dumps(value), headers={"Content-Type": "application/json", "Cache-Control": "no-store"})


def _page(title: str, body: str, up: str) -> Response:
    """A page whose links are relative, `up` leading to the root: they hold behind any prefix."""
    document = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{html.escape(title)} · Recollect</title><link rel="stylesheet" href="{up}docs/page.css">'
        f'<link rel="icon" href="{up}explorer/icon.svg" type="image/svg+xml"></head>'
        f"<body><main><h1>{html.escape(title)}</h1>{body}"
        f'<p><a href="{up}problems">All errors</a> · <a href="{up}guide">Guide</a> · <a href="{up}docs">API</a> · '
        f'<a href="./{up}">Explorer</a></p></main></body></html>'
    )
    return Response(document, headers={"Content-Type": "text/html; charset=utf-8", **_SECURITY})


def _swagger_ui() -> Path:
    """The folder of the installed package that carries swagger-ui-dist; it is not imported."""
    spec = importlib.util.find_spec("offapi")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("the package 'offapi', which carries Swagger UI, is not installed")
    return Path(spec.submodule_search_locations[0])
