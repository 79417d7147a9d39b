/* Building elements without ever parsing a message as HTML. */

const SVG = "http://www.w3.org/2000/svg";

const PATHS = {
  back: "M15 5l-7 7 7 7",
  send: "M3.4 20.4 21 12 3.4 3.6 3 10.2 14.5 12 3 13.800z",
  menu: "M4 7h16M4 12h16M4 17h16",
  close: "M6 6l12 12M18 6L6 18",
  more: "M12 5.500v.01M12 12v.01M12 18.500v.01",
  down: "M6 9l6 6 6-6",
  check: "M5 12.500l4.5 4.500L19 7.5",
  checks: "M2 12.500l4.5 4.500L16 7.500M11.5 16.500l.5.5L21.5 7.5",
  silent: "M5 4l15 16M6.5 9c0 4-1 5.5-2 7h12M9.5 5.200A5.5 5.5 0 0117.5 10c0 1.5.2 2.6.6 3.500M10 19a2.2 2.2 0 004 0",
  link: "M8 16L17 7M9.5 7H17v7.5",
  copy: "M9 9h10v10H9zM5 15V5h10",
  file: "M7 3h7l5 5v13H7zM14 3v5h5",
  ban: "M12 3a9 9 0 100 18 9 9 0 000-18zM6 6l12 12",
  reset: "M5 12a7 7 0 107-7H8M11 1.500L7.5 5 11 8.5",
  group: "M9 11a3.5 3.5 0 100-7 3.5 3.5 0 000 7zM2.5 20c0-4 3-6 6.5-6s6.5 2 6.5 6M16 4.500a3.5 3.5 0 010 6.200M18 14.500c2.2.8 3.5 2.7 3.5 5.5",
  channel: "M4 10v4l3 1 2 5h2.500l-1.3-4.500L19 18V6L7 9z",
  up: "M3.5 17l6-7 4.5 4 6.5-8M15 6h5.500v5.5",
};

/** Make an element: attributes by name, listeners by `onclick` and the like, children as nodes or texts. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") Object.entries(value).forEach(([key, one]) => element.style.setProperty(key, one));
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Draw one of the icons above. */
export function icon(name, className = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `icon ${className}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  if (name === "more") path.setAttribute("stroke-width", "3.4");
  svg.append(path);
  return svg;
}

const GRADIENTS = [
  ["#ff885e", "#ff516a"], ["#ffcd6a", "#ffa85c"], ["#82b1ff", "#665fff"], ["#a0de7e", "#54cb68"],
  ["#53edd6", "#28c9b7"], ["#72d5fd", "#2a9ef1"], ["#e0a2f3", "#d669ed"],
];

/** Draw the round picture of a person or a group. */
export function avatar(id, name, size = "", kind = "private") {
  const [from, to] = GRADIENTS[Math.abs(id) % GRADIENTS.length];
  const initials = [...name.matchAll(/(?:^|\s)(\p{L}|\p{N})/gu)].map((match) => match[1]).slice(0, 2).join("");
  const sign = kind === "bot" ? icon("up") : kind === "channel" ? icon("channel") : initials.toUpperCase() || "•";
  const colours = kind === "bot" ? ["#6ab8f0", "#2a86d8"] : [from, to];
  return make("div", { class: `avatar ${size}`, style: { "--from": colours[0], "--to": colours[1] } }, sign);
}

const pad = (number) => String(number).padStart(2, "0");

/** Write the time of day. */
export function clock(seconds) {
  const date = new Date(seconds * 1000);
  return `${pad(date.getHours())}:${pad(date.getMinutes())}`;
}

/** Write the day as a separator does. */
export function day(seconds) {
  const date = new Date(seconds * 1000);
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(date).setHours(0, 0, 0, 0)) / 86400000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  const year = date.getFullYear() === new Date().getFullYear() ? undefined : "numeric";
  return date.toLocaleDateString("en", { month: "long", day: "numeric", year });
}

/** Write when something happened, as short as a list needs it. */
export function shortTime(seconds) {
  const label = day(seconds);
  if (label === "Today") return clock(seconds);
  if (label === "Yesterday") return label;
  return new Date(seconds * 1000).toLocaleDateString("en", { month: "short", day: "numeric" });
}
