"""Run the positions room: `python -m services.positions`."""

from chassis.lifecycle import run
from services.positions.settings import PositionsSettings
from services.positions.wiring import main

if __name__ == "__main__":
    run("positions", PositionsSettings, main)
