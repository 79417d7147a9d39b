"""A backtest as one HTML file: numbers, pictures, rules. Opens offline in any browser."""
