"""What the room can be told. Every rate is per second and every span in seconds unless its name says otherwise."""

import hmac
import re

from pydantic import Field, SecretStr, field_validator

from chassis.settings import RoomSettings
from contracts.messages import SendClass
from services.telegram.domain.scheduler import Limits

_SECRET = re.compile(r"[A-Za-z0-9_-]{16,256}")
_TOKEN = re.compile(r"[0-9]{5,12}:[A-Za-z0-9_-]{30,50}")


LOUD = frozenset({SendClass.SIGNAL, SendClass.EXIT})
"""What always makes a sound: money hangs on being heard."""


class TelegramSettings(RoomSettings):
    """Settings of the telegram room."""

    token: SecretStr = Field(description="the bot's token as BotFather gives it: digits, a colon, 35 characters")
    api_url: str = Field(
        "https://api.telegram.org", pattern="^https?://[^/]+.*$", description="the Bot API; another for a local server"
    )
    database_url: SecretStr = Field(
        SecretStr("postgresql://127.0.0.1:5432/sinyal"), description="PostgreSQL of this room's schema"
    )
    database_pool: int = Field(6, ge=1, le=50, description="connections at most; 28 sends a second need about two")
    symbol: str = Field("XAUUSD", pattern="^[A-Za-z0-9_-]+$", description="the instrument that commands are about")
    operators: str = Field(
        "", pattern=r"^\s*(-?\d+\s*(,\s*-?\d+\s*)*)?$", description="ids of those who run the bot, comma separated"
    )
    channels: str = Field(
        "",
        pattern=r"^\s*(-\d+\s*(,\s*-\d+\s*)*)?$",
        description="ids of channels and groups that every signal and its outcome are published to, comma separated; "
        "positions must let them in, and the bot must be their administrator",
    )
    channel_language: str = Field("id", pattern="^(id|en)$", description="what the channels read: id or en")
    per_second: float = Field(28.0, gt=0, le=1000, description="calls in all; Telegram allows about 30")
    paid_per_second: float = Field(
        0.0,
        ge=0,
        le=1000,
        description="calls in all instead, paid for: each above 30 a second costs 0.1 Telegram Stars; 0 pays nothing",
    )
    protect_content: bool = Field(False, description="whether nobody may forward or save what the bot sends")
    silent_kinds: str = Field(
        "", description="what makes no sound, comma separated: such as stop,broadcast; never signal or exit"
    )
    private_gap_s: float = Field(1.02, ge=0, description="rest of a private chat after a call; Telegram allows 1/s")
    group_gap_s: float = Field(3.05, ge=0, description="rest of a group after a call; Telegram allows 20/min")
    in_flight: int = Field(128, ge=1, le=1000, description="calls under way at once, so that slow chats hold nobody")
    call_timeout_s: float = Field(
        30.0, ge=30, le=300, description="longest call; the API may hold one for 8 s, and giving up early makes doubles"
    )
    poll_s: int = Field(25, ge=0, le=50, description="how long one poll waits for updates; Telegram allows 50")
    webhook_url: str = Field(
        "",
        pattern=r"^(https?://[^/?#\s]+/[^?#\s]+)?$",
        description="where Telegram is to push updates, with a path; it must lead to the port below. Empty: polling",
    )
    webhook_secret: SecretStr | None = Field(
        None, description="what Telegram shows us with each push; none: made from the token, alike in all copies"
    )
    webhook_host: str = Field("127.0.0.1", description="where pushes are listened for; loopback unless told")
    webhook_port: int = Field(8206, ge=0, le=65535, description="their port, behind what makes HTTPS of it")
    webhook_retry_s: float = Field(
        60.0, ge=1, description="how long to poll before a webhook that failed is tried again; grows to 16 times that"
    )
    picture_wait_s: float = Field(60.0, gt=0, description="how long a text waits for its picture to be drawn")
    most_attempts: int = Field(
        200, ge=1, description="calls for one message before it goes to the dead letters; 200 last about 100 minutes"
    )
    keep_days: int = Field(30, ge=1, description="how long rows of ended sends are kept, for repeats and file ids")

    @field_validator("token")
    @classmethod
    def _has_form(cls, token: SecretStr) -> SecretStr:
        if not _TOKEN.fullmatch(token.get_secret_value()):
            raise ValueError("not the form of a bot token")
        return token

    @field_validator("webhook_secret")
    @classmethod
    def _is_secret(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and not _SECRET.fullmatch(secret.get_secret_value()):
            raise ValueError("16 to 256 letters, digits, _ and - would be right")
        return secret

    @field_validator("silent_kinds")
    @classmethod
    def _are_kinds(cls, text: str) -> str:
        strange = sorted(_listed(text) - set(SendClass) | _listed(text) & LOUD)
        if strange:
            raise ValueError(f"{strange[0]}: must be of {', '.join(kind for kind in SendClass if kind not in LOUD)}")
        return text

    @property
    def silent(self) -> frozenset[SendClass]:
        """The kinds of sends that make no sound."""
        return frozenset(SendClass(text) for text in _listed(self.silent_kinds))

    @property
    def webhook_word(self) -> str:
        """The secret of the webhook."""
        if self.webhook_secret is not None:
            return self.webhook_secret.get_secret_value()
        return hmac.new(self.token.get_secret_value().encode(), b"webhook", "sha256").hexdigest()

    @property
    def operator_ids(self) -> tuple[int, ...]:
        """The operators' ids."""
        return tuple(int(text) for text in self.operators.split(",") if text.strip())

    @property
    def channel_ids(self) -> tuple[int, ...]:
        """The channels' ids, each once."""
        return tuple(dict.fromkeys(int(text) for text in self.channels.split(",") if text.strip()))

    @property
    def limits(self) -> Limits:
        """How fast the bot may speak."""
        return Limits(
            per_second=self.paid_per_second or self.per_second,
            is_paid=self.paid_per_second > 0,
            private_gap_s=self.private_gap_s,
            group_gap_s=self.group_gap_s,
            in_flight=self.in_flight,
        )


def _listed(text: str) -> set[str]:
    return {part.strip() for part in text.split(",") if part.strip()}
