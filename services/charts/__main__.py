"""Run the charts room: `python -m services.charts`."""

from chassis.lifecycle import run
from services.charts.settings import ChartsSettings
from services.charts.wiring import main

if __name__ == "__main__":
    run("charts", ChartsSettings, main)
