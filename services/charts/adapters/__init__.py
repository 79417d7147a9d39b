"""Drawing a scene with plotly in a browser, and keeping that browser in order."""
