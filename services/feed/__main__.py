"""`python -m services.feed`: the feed as a service."""

from chassis.lifecycle import run
from services.feed.settings import FeedSettings
from services.feed.wiring import main

if __name__ == "__main__":
    run("feed", FeedSettings, main)
