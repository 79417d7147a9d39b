"""What can be chosen about the server. Every duration runs on the wall clock, as Telegram's own limits do."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """How many messages the server takes. Source: Telegram's bots FAQ; the hold is what its server really does."""

    enabled: bool = True
    private_interval_s: float = 1.0
    private_burst: int = 3
    group_count: int = 20
    group_period_s: float = 60.0
    all_count: int = 30
    all_period_s: float = 1.0
    paid_count: int = 1000
    longest_hold_s: float = 8.0
    webhook_interval_s: float = 1.0


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """How updates are pushed: the first retry is immediate, the next waits `first_delay_s`, then twice as long each."""

    first_delay_s: float = 2.0
    longest_delay_s: float = 60.0
    answer_within_s: float = 60.0
    message_life_s: float = 86_400.0
    callback_life_s: float = 150.0


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Everything about the server but its token and its address. With a `seed` the dice of faults fall as before."""

    bot_name: str = "Sinyal"
    bot_username: str = "sinyal_sandbox_bot"
    limits: LimitSettings = field(default_factory=LimitSettings)
    webhook: WebhookSettings = field(default_factory=WebhookSettings)
    callback_answer_s: float = 15.0
    conflict_delay_s: float = 3.0
    longest_poll_s: float = 50.0
    journal_entries: int = 500_000
    file_bytes: int = 512 * 1024 * 1024
    seed: int | None = None


NO_LIMITS = LimitSettings(enabled=False)
