"""Backtest, optimise, walk forward, look ahead, replay: what a strategy would have done, by the code that runs live."""
