"""The two dialects of Deriv's public WebSocket: where they are served, and how they name a symbol.

Source: developers.deriv.com (the newer "options" API, no key needed) and its page on legacy v3. The calls that the feed
makes are the same in both; the keys that name a symbol in `active_symbols` and `trading_times` are not.
"""

from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit, urlunsplit


@dataclass(frozen=True, slots=True)
class Dialect:
    """One way of speaking.

    `symbol_key` names a symbol in listings; `needs_app_id` puts an application id into the URL.
    """

    name: str
    default_url: str
    symbol_key: str
    needs_app_id: bool

    def url(self, url: str | None, app_id: str) -> str:
        """Complete a venue URL; None is the dialect's own. An `app_id` that stands in the URL already is kept."""
        parts = urlsplit(url or self.default_url)
        if not self.needs_app_id or "app_id=" in parts.query:
            return urlunsplit(parts)
        query = "&".join(filter(None, (parts.query, urlencode({"app_id": app_id}))))
        return urlunsplit(parts._replace(query=query))


NEW = Dialect("new", "wss://api.derivws.com/trading/v1/options/ws/public", "underlying_symbol", needs_app_id=False)
LEGACY = Dialect("legacy", "wss://ws.derivws.com/websockets/v3", "symbol", needs_app_id=True)
DIALECTS = {dialect.name: dialect for dialect in (NEW, LEGACY)}
