"""The phone page: files of this package, nothing from outside."""

from pathlib import Path

from aiohttp import web

FOLDER = Path(__file__).parent / "page"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def page_routes() -> list[web.RouteDef]:
    """Return the routes of the page, read into memory once."""
    assets = {path.name: _load(path) for path in FOLDER.iterdir() if path.suffix in _TYPES}

    async def serve(request: web.Request) -> web.Response:
        name = request.match_info.get("name", "index.html")
        if name not in assets:
            raise web.HTTPNotFound
        content, kind = assets[name]
        return web.Response(body=content, content_type=kind, charset="utf-8", headers=_HEADERS)

    return [web.get("/", serve), web.get("/page/{name}", serve)]


def _load(path: Path) -> tuple[bytes, str]:
    return path.read_bytes(), _TYPES[path.suffix]
