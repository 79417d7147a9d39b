"""The commands: one name for the code, and the word each language types. Every word works in every language."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    """One command: `name` is its key in the catalogue, `english` and `indonesian` are shown, `others` work too.

    One for operators is shown and answered to nobody else.
    """

    name: str
    english: str
    indonesian: str
    others: tuple[str, ...] = ()
    is_for_operators: bool = False

    @property
    def spellings(self) -> tuple[str, ...]:
        """All words that mean this command, each once."""
        return tuple(dict.fromkeys((self.english, self.indonesian, *self.others)))

    def name_in(self, language: str) -> str:
        """The word that is shown to readers of a language."""
        return self.indonesian if language == "id" else self.english


COMMANDS: tuple[Command, ...] = (
    Command("monitor", "monitor", "monitor"),
    Command("stopmonitor", "stopmonitor", "berhenti"),
    Command("signal", "signal", "sinyal", ("getsignal",)),
    Command("status", "status", "posisi"),
    Command("dashboard", "dashboard", "dashboard"),
    Command("stopdashboard", "stopdashboard", "stopdashboard"),
    Command("history", "history", "riwayat"),
    Command("performance", "performance", "performa"),
    Command("analytics", "analytics", "analitik"),
    Command("why", "why", "kenapa"),
    Command("settings", "settings", "pengaturan"),
    Command("export", "export", "ekspor"),
    Command("deleteme", "deleteme", "hapusdata"),
    Command("help", "help", "bantuan"),
    Command("start", "start", "start", ("mulai",)),
    Command("stats", "stats", "stats", ("statistik",), is_for_operators=True),
    Command("dlq", "dlq", "dlq", is_for_operators=True),
)


def commands_for(*, is_operator: bool) -> tuple[Command, ...]:
    """List the commands that a person may use."""
    return tuple(command for command in COMMANDS if is_operator or not command.is_for_operators)
