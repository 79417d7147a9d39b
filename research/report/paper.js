"use strict";
// What every research page draws alike: colours, axes, and plots that fit their width.

const COLOURS = {
  ink: "#f2f4f8", muted: "#98a0b0", grid: "#222938", rule: "#313a4d", paper: "#161b27",
  up: "#12b886", down: "#f5455c", blue: "#4cc9f0", violet: "#c77dff", orange: "#ff9f1c",
};
const DATA = JSON.parse(document.getElementById("data").textContent);
const CONFIG = { responsive: true, displaylogo: false, displayModeBar: false, scrollZoom: false };

function faded(colour, opacity) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return `rgba(${red},${green},${blue},${opacity})`;
}

function axis(changes) {
  return {
    gridcolor: COLOURS.grid, linecolor: COLOURS.rule, zerolinecolor: COLOURS.rule, tickcolor: COLOURS.rule,
    automargin: true, fixedrange: true, ...changes,
  };
}

function layout(changes) {
  return {
    paper_bgcolor: COLOURS.paper, plot_bgcolor: COLOURS.paper, showlegend: false, hovermode: "x unified",
    font: { color: COLOURS.muted, family: "Roboto, Inter, system-ui, 'DejaVu Sans', sans-serif", size: 13 },
    hoverlabel: { bgcolor: "#0f131c", bordercolor: COLOURS.rule, font: { color: COLOURS.ink } },
    margin: { l: 8, r: 8, t: 8, b: 8 }, ...changes,
  };
}

function draw(id, traces, changes) {
  const place = document.getElementById(id);
  return place && Plotly.newPlot(place, traces, layout(changes), CONFIG);
}

const money = (value) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(2);
const moment = (ms) => new Date(ms).toISOString().slice(0, 16).replace("T", " ");
