"""Run the signals room: `python -m services.signals`."""

from chassis.lifecycle import run
from services.signals.settings import SignalsSettings
from services.signals.wiring import main

if __name__ == "__main__":
    run("signals", SignalsSettings, main)
