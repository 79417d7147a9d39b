"""The options that the searching and testing verbs share, each said once."""

from pathlib import Path
from typing import Annotated

import typer

StrategyName = Annotated[str, typer.Option("--strategy", help="The strategy's name, such as trend_pullback.")]
Tape = Annotated[
    Path | None,
    typer.Option("--tape", help="Quotes: CSV epoch_ms,bid,ask (or .gz, .zip), or a folder of YYYYMMDD_quote.zip."),
]
CandleFile = Annotated[Path | None, typer.Option("--candles", help="Candles: CSV epoch_s,open,high,low,close,volume.")]
Start = Annotated[str | None, typer.Option("--from", help="First moment of trading (UTC).")]
End = Annotated[str | None, typer.Option("--to", help="End of the data (UTC), not included.")]
Held = Annotated[list[str] | None, typer.Option("--params", help="Parameters that are held: name=value.")]
Searched = Annotated[
    list[str] | None,
    typer.Option(
        "--search", help="What is searched: name, or name=LOW:HIGH:STEP. Without it, all that declare a range."
    ),
]
Trials = Annotated[int, typer.Option("--trials", help="How many trials a search makes in all.")]
Goal = Annotated[str, typer.Option("--objective", help="profit_factor, expectancy_r, sharpe or calmar.")]
MinTrades = Annotated[int, typer.Option("--min-trades", help="Trades in sample below which a trial counts nothing.")]
Jobs = Annotated[int | None, typer.Option("--jobs", help="Processes; as many as there are cores.")]
Seed = Annotated[int, typer.Option("--seed", help="The same seed finds the same.")]
Prune = Annotated[bool, typer.Option("--prune/--no-prune", help="Give poor trials up early.")]
News = Annotated[
    Path | None, typer.Option("--news", help="Announced events: CSV time,subject, for strategies that mind the news.")
]
PlanText = Annotated[
    str, typer.Option("--plan", help="plain, standard, scaled, or parts: three+break_even+trailing+limit:3600.")
]
EntryText = Annotated[
    str, typer.Option("--entry", help="close: at the candle's last quote, as live; next: at the quote after it.")
]
Spread = Annotated[float | None, typer.Option("--spread", help="Pips; else a tape's own, and 3 for candles.")]
Slippage = Annotated[float, typer.Option("--slippage", help="Pips given up at each entry, stop and time limit.")]
Lots = Annotated[str, typer.Option("--lots", help="Lots of every trade.")]
Symbol = Annotated[str, typer.Option("--symbol", help="The instrument.")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write everything found as JSON; - is the terminal.")]
CsvFile = Annotated[Path | None, typer.Option("--csv", help="Write the trades; - is the terminal.")]
HtmlFile = Annotated[
    Path | None, typer.Option("--html", help="Write a page with pictures, one file that opens offline.")
]
