"""`python -m services.telegram`: the Telegram gateway as a service."""

from chassis.lifecycle import run
from services.telegram.settings import TelegramSettings
from services.telegram.wiring import main

if __name__ == "__main__":
    run("telegram", TelegramSettings, main)
