"use strict";
// The pictures of a backtest. Candles are kept as short ones and joined into longer ones to suit what is in view.

const CANDLES_IN_VIEW = 260;
const CROWD = 60; // more trades in view than this are dots
const TICK_STEPS_S = [300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400, 2 * 86400, 7 * 86400, 14 * 86400];
const SPANS_S = [60, 300, 900, 1800, 3600, 7200, 14400, 28800, 86400, 604800];

// --- equity and drawdown ---------------------------------------------------------------------------------------------

function drawEquity() {
  const { at, equity, drawdown } = DATA.equity;
  const times = at.map(moment);
  const last = equity[equity.length - 1] ?? 0;
  const colour = last >= 0 ? COLOURS.up : COLOURS.down;
  const line = { x: times, y: equity, line: { color: colour, width: 2, shape: "hv" }, fill: "tozeroy",
    fillcolor: faded(colour, 0.12), name: "P/L", hovertemplate: "%{y:+.2f}" };
  const under = { x: times, y: drawdown.map((value) => -value), yaxis: "y2", fill: "tozeroy", name: "drawdown",
    line: { color: COLOURS.down, width: 1.2, shape: "hv" }, fillcolor: faded(COLOURS.down, 0.25),
    hovertemplate: "%{y:.2f}" };
  draw("equity", [line, under], {
    xaxis: axis({ type: "date", anchor: "y2", nticks: 7 }),
    yaxis: axis({ domain: [0.34, 1], side: "right", tickformat: "~f", nticks: 6 }),
    yaxis2: axis({ domain: [0, 0.26], side: "right", nticks: 3, tickformat: "~f" }),
  });
}

// --- by hour, weekday, result ----------------------------------------------------------------------------------------

function drawBars(id, bars) {
  const trace = {
    type: "bar", x: bars.map((bar) => bar.name), y: bars.map((bar) => bar.pnl), customdata: bars.map((bar) => bar.told),
    marker: { color: bars.map((bar) => (bar.pnl >= 0 ? COLOURS.up : COLOURS.down)) },
    hovertemplate: "%{customdata}<extra></extra>",
  };
  draw(id, [trace], {
    hovermode: "closest", bargap: 0.25, xaxis: axis({ type: "category", tickangle: 0, nticks: 12 }),
    yaxis: axis({ side: "right", nticks: 5 }),
  });
}

function drawResults() {
  const { starts, counts, width } = DATA.results;
  const trace = {
    type: "bar", x: starts.map((start) => start + width / 2), y: counts, width: width * 0.92,
    marker: { color: starts.map((start) => (start > 0 ? COLOURS.up : start + width < 0 ? COLOURS.down : COLOURS.muted)) },
    customdata: starts.map((start) => `${start.toFixed(2)} to ${(start + width).toFixed(2)} R`),
    hovertemplate: "%{customdata}: %{y} trades<extra></extra>",
  };
  draw("results", [trace], {
    hovermode: "closest", xaxis: axis({ ticksuffix: " R", nticks: 9 }), yaxis: axis({ side: "right", nticks: 5 }),
  });
}

// --- candles ---------------------------------------------------------------------------------------------------------

function unpacked({ begin_s: beginS, steps, scale, close, open, high, low, length_s: lengthS }) {
  const candles = { time: [], open: [], high: [], low: [], close: [], lengthS };
  let time = beginS, last = 0;
  for (let at = 0; at < close.length; at += 1) {
    time += steps[at] * lengthS;
    last += close[at];
    candles.time.push(time);
    candles.close.push(last / scale);
    for (const [name, column, sign] of [["open", open, 1], ["high", high, 1], ["low", low, -1]]) {
      candles[name].push((last + sign * column[at]) / scale);
    }
  }
  return candles;
}

function firstAtOrAfter(times, wanted) {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] < wanted) low = middle + 1; else high = middle;
  }
  return low;
}

class CandleChart {
  constructor(place) {
    this.place = place;
    this.candles = unpacked(DATA.candles);
    this.trades = DATA.trades.map((trade) => ({ ...trade, x0: this.xOf(trade.opened), x1: this.xOf(trade.closed) }));
    this.chosen = null;
  }

  /** Where a moment lies when closed markets take no room: candle number, with the part of it that has passed. */
  xOf(ms) {
    const { time, lengthS } = this.candles;
    const at = Math.max(0, firstAtOrAfter(time, ms / 1000 + 1e-9) - 1);
    return at - 0.5 + Math.min(1, Math.max(0, (ms / 1000 - time[at]) / lengthS));
  }

  /** Candles of [first, last) joined to at most CANDLES_IN_VIEW, on the clock's marks. */
  joined(first, last) {
    const { time, open, high, low, close, lengthS } = this.candles;
    const wanted = SPANS_S.find((span) => span >= lengthS && (last - first) * lengthS / span <= CANDLES_IN_VIEW);
    const span = wanted ?? SPANS_S[SPANS_S.length - 1];
    const found = { x: [], open: [], high: [], low: [], close: [], text: [], span };
    for (let at = first, next; at < last; at = next) {
      const block = Math.floor(time[at] / span);
      for (next = at; next < last && Math.floor(time[next] / span) === block;) next += 1;
      found.x.push((at + next - 1) / 2);
      found.open.push(open[at]);
      found.close.push(close[next - 1]);
      found.high.push(Math.max(...high.slice(at, next)));
      found.low.push(Math.min(...low.slice(at, next)));
      found.text.push(moment(time[at] * 1000));
    }
    return found;
  }

  show(from, to) {
    const count = this.candles.time.length;
    this.from = Math.max(-0.5, Math.min(from, count - 10));
    this.to = Math.min(count - 0.5 + Math.max(4, (to - from) * 0.02), Math.max(to, this.from + 8));
    const first = Math.max(0, Math.floor(this.from)), last = Math.min(count, Math.ceil(this.to) + 1);
    const bars = this.joined(first, last);
    const seen = this.trades.filter((trade) => trade.x1 >= this.from && trade.x0 <= this.to);
    Plotly.react(this.place, [this.candleTrace(bars), ...this.tradeTraces(seen)], this.layout(bars, seen), CONFIG);
    document.getElementById("view").textContent = this.told(bars, seen);
  }

  candleTrace(bars) {
    return {
      type: "candlestick", x: bars.x, open: bars.open, high: bars.high, low: bars.low, close: bars.close,
      text: bars.text, hoverinfo: "text+y", name: "", line: { width: 1 },
      increasing: { line: { color: COLOURS.up }, fillcolor: COLOURS.up },
      decreasing: { line: { color: COLOURS.down }, fillcolor: COLOURS.down },
    };
  }

  tradeTraces(seen) {
    const ways = { x: [], y: [] };
    for (const trade of seen) {
      ways.x.push(trade.x0, trade.x1, null);
      ways.y.push(trade.entry, trade.exit, null);
    }
    const isCrowd = seen.length > CROWD;
    const marker = (trades, x, y, symbol, colours, words) => ({
      type: "scatter", mode: "markers", x: trades.map((trade) => trade[x]), y: trades.map((trade) => trade[y]),
      marker: { symbol, size: isCrowd ? 7 : 13, color: colours, line: { color: "#ffffff", width: isCrowd ? 0 : 1.2 } },
      text: trades.map(words), hovertemplate: "%{text}<extra></extra>",
    });
    const buys = seen.filter((trade) => trade.sign > 0), sells = seen.filter((trade) => trade.sign < 0);
    const entered = (trade) => `${trade.sign > 0 ? "BUY" : "SELL"} ${trade.entry}`;
    const left = (trade) => `${trade.reason} ${trade.exit}<br>${money(trade.pnl)} (${money(trade.r)} R)`;
    const ended = seen.map((trade) => (trade.pnl > 0 ? COLOURS.up : trade.pnl < 0 ? COLOURS.down : COLOURS.muted));
    if (isCrowd) return [marker(seen, "x1", "exit", "circle", ended, left)];
    return [
      { type: "scatter", mode: "lines", x: ways.x, y: ways.y, line: { color: "#c6ccda", width: 1.2, dash: "dot" },
        hoverinfo: "skip" },
      marker(buys, "x0", "entry", "triangle-up", COLOURS.up, entered),
      marker(sells, "x0", "entry", "triangle-down", COLOURS.down, entered),
      marker(seen, "x1", "exit", "circle", ended, left),
    ];
  }

  zones(seen) {
    if (seen.length > 14) return [];
    const zone = (trade, level, colour) => ({
      type: "rect", x0: trade.x0, x1: Math.max(trade.x1, trade.x0 + 0.4), y0: trade.entry, y1: level, layer: "below",
      fillcolor: faded(colour, 0.16), line: { color: faded(colour, 0.55), width: 1 },
    });
    return seen.flatMap((trade) => [zone(trade, trade.stop, COLOURS.down), zone(trade, trade.target, COLOURS.up)]);
  }

  layout(bars, seen) {
    const levels = seen.length > 14 ? [] : seen.flatMap((trade) => [trade.stop, trade.target]);
    const top = Math.max(...bars.high, ...levels), bottom = Math.min(...bars.low, ...levels);
    const room = (top - bottom) * 0.04 || 1;
    return layout({
      hovermode: "closest", dragmode: "pan", shapes: this.zones(seen), margin: { l: 8, r: 8, t: 8, b: 28 },
      xaxis: axis({ range: [this.from, this.to], fixedrange: false, tickangle: 0, rangeslider: { visible: false },
        ...this.ticks() }),
      yaxis: axis({ side: "right", range: [bottom - room, top + room], nticks: 8, tickformat: ".2f" }),
    });
  }

  /** Marks on the clock's own steps, no more than fit beside each other. */
  ticks() {
    const { time } = this.candles;
    const first = Math.max(0, Math.ceil(this.from)), last = Math.min(time.length - 1, Math.floor(this.to));
    const room = Math.max(2, Math.floor(this.place.clientWidth / 120));
    const marks = (stepS) => {
      const found = [], gap = (this.to - this.from) / (room * 2);
      for (let at = first + 1; at <= last; at += 1) {
        if (found.length && at - found[found.length - 1] < gap) continue; // a short day would lie on the next one
        if (Math.floor(time[at] / stepS) !== Math.floor(time[at - 1] / stepS)) found.push(at);
      }
      return found;
    };
    const least = TICK_STEPS_S.find((step) => (last - first) * this.candles.lengthS / step <= room) ?? 30 * 86400;
    const tickvals = marks(least);
    const day = { day: "numeric", month: "short", timeZone: "UTC" };
    const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "UTC" };
    const spanS = time[last] - time[first];
    const words = new Intl.DateTimeFormat("en-GB", least >= 86400 ? day : spanS > 86400 ? { ...day, ...clock } : clock);
    return { tickvals, ticktext: tickvals.map((at) => words.format(Math.floor(time[at] / least) * least * 1000)) };
  }

  told(bars, seen) {
    if (this.chosen !== null) {
      const trade = this.trades[this.chosen];
      return `Trade ${this.chosen + 1} of ${this.trades.length}: ${trade.sign > 0 ? "BUY" : "SELL"} ` +
        `${moment(trade.opened)}, ${trade.reason}, ${money(trade.pnl)} (${money(trade.r)} R)`;
    }
    const minutes = bars.span / 60;
    const name = minutes < 60 ? `M${minutes}` : minutes < 1440 ? `H${minutes / 60}` : `D${minutes / 1440}`;
    const trades = seen.length === 1 ? "1 trade" : `${seen.length} trades`;
    return `${name} candles, ${trades} in view. Drag to move; Shift and the wheel zoom.`;
  }

  all() {
    this.choose(null);
    this.show(-0.5, this.candles.time.length - 0.5);
  }

  zoom(factor, centre = (this.from + this.to) / 2) {
    this.show(centre - (centre - this.from) * factor, centre + (this.to - centre) * factor);
  }

  choose(number) {
    this.chosen = number;
    for (const row of document.querySelectorAll("#trades tbody tr")) {
      row.classList.toggle("chosen", Number(row.dataset.trade) === number);
    }
  }

  focus(number) {
    if (!this.trades.length) return;
    const chosen = (number + this.trades.length) % this.trades.length;
    this.choose(chosen);
    const { x0, x1 } = this.trades[chosen];
    const room = Math.max(25, (x1 - x0) * 0.8);
    this.show(x0 - room, x1 + room);
  }
}

function openCandles() {
  const place = document.getElementById("candles");
  const chart = new CandleChart(place);
  chart.all();
  const at = (id, action) => document.getElementById(id).addEventListener("click", action);
  at("all", () => chart.all());
  at("nearer", () => chart.zoom(0.5));
  at("farther", () => chart.zoom(2));
  at("next", () => chart.focus(chart.chosen === null ? 0 : chart.chosen + 1));
  at("previous", () => chart.focus(chart.chosen === null ? -1 : chart.chosen - 1));
  place.on("plotly_relayout", (change) => {
    const from = change["xaxis.range[0]"], to = change["xaxis.range[1]"];
    if (from !== undefined && (from !== chart.from || to !== chart.to)) chart.show(from, to);
  });
  place.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.shiftKey) return; // the page scrolls on a plain wheel
    event.preventDefault();
    chart.zoom(event.deltaY > 0 ? 1.25 : 0.8);
  }, { passive: false });
  for (const row of document.querySelectorAll("#trades tbody tr")) {
    const show = () => { chart.focus(Number(row.dataset.trade)); place.scrollIntoView({ block: "center" }); };
    row.addEventListener("click", show);
    row.addEventListener("keydown", (event) => { if (event.key === "Enter") show(); });
  }
}

if (DATA.trades.length) {
  drawEquity();
  drawBars("hours", DATA.hours);
  drawBars("weekdays", DATA.weekdays);
  drawResults();
}
openCandles();
document.documentElement.dataset.ready = "yes";
