"use strict";
// Draws the plots that a page hands over ready made: traces and axes, which take the paper's colours here.

function coloured(value) {
  if (typeof value === "string" && value.startsWith("$")) {
    const [name, opacity] = value.slice(1).split("/");
    return opacity === undefined ? COLOURS[name] : faded(COLOURS[name], Number(opacity));
  }
  if (Array.isArray(value)) return value.map(coloured);
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, coloured(part)]));
  }
  return value;
}

function smallTitle(changes) {
  return changes.title ? { ...changes, title: { ...changes.title, font: { size: 13 }, standoff: 6 } } : changes;
}

for (const plot of DATA.plots) {
  const changes = coloured(plot.layout);
  for (const name of Object.keys(changes)) {
    if (/^[xy]axis\d*$/.test(name)) changes[name] = axis(smallTitle(changes[name]));
  }
  draw(plot.id, coloured(plot.traces), changes);
}
