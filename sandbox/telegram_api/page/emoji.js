/* A few drawn emoji for machines without a colour emoji font. The character stays in the text, so it can be copied. */

const dot = (colour, shade) => `<circle cx="16" cy="16" r="13" fill="${colour}"/><path d="M16 3a13 13 0 010 26 15 15 0 000-26z" fill="${shade}"/>`;
const box = (colour, mark) => `<rect x="2" y="2" width="28" height="28" rx="6" fill="${colour}"/>${mark}`;
const line = (d, colour = "#fff", width = 4) => `<path d="${d}" fill="none" stroke="${colour}" stroke-width="${width}" stroke-linecap="round" stroke-linejoin="round"/>`;
const sheet = `<rect x="2" y="3" width="28" height="26" rx="4" fill="#f4f7fa"/><path d="M2 11h28M2 20h28M11 3v26M21 3v26" stroke="#d3dce4" stroke-width="1.2"/>`;

const DRAWN = {
  "🟢": dot("#3ecf63", "#2fb653"), "🔴": dot("#f2504b", "#dc3a36"), "🟡": dot("#ffd44a", "#f5bd27"), "🔵": dot("#4a9ff5", "#2f84de"),
  "⚪": dot("#eef1f4", "#d9dfe5"), "🟠": dot("#ff9f43", "#f0862a"),
  "✅": box("#43bf5d", line("M8 17l6 6L24 9")), "❌": line("M6 6l20 20M26 6L6 26", "#e8423f", 6), "✔": line("M5 17l7 8L27 7", "#3ab558", 5),
  "⚠": `<path d="M16 3l14 25H2z" fill="#ffcc33" stroke="#f0a818" stroke-width="2" stroke-linejoin="round"/>${line("M16 12v8M16 24.500v.1", "#4d3a00", 3)}`,
  "📈": `${sheet}${line("M5 23l7-7 5 4 10-12", "#e5484d", 3)}`, "📉": `${sheet}${line("M5 9l7 6 5-3 10 11", "#3b82f6", 3)}`,
  "📊": `${sheet}<rect x="6" y="15" width="5" height="11" fill="#3ab558"/><rect x="13.5" y="8" width="5" height="18" fill="#e5484d"/><rect x="21" y="12" width="5" height="14" fill="#3b82f6"/>`,
  "🎯": `<circle cx="16" cy="16" r="14" fill="#ef4a45"/><circle cx="16" cy="16" r="10" fill="#fff"/><circle cx="16" cy="16" r="6.5" fill="#ef4a45"/><circle cx="16" cy="16" r="2.5" fill="#fff"/>`,
  "🛑": `<path d="M10 2h12l8 8v12l-8 8H10l-8-8V10z" fill="#e5403c"/><rect x="8" y="13" width="16" height="6" rx="1.5" fill="#fff"/>`,
  "⏱": `<rect x="13" y="1" width="6" height="5" rx="1" fill="#8a97a3"/><circle cx="16" cy="18" r="12" fill="#eef2f5" stroke="#8a97a3" stroke-width="3"/>${line("M16 11v7l4 3", "#e5484d", 2.6)}`,
  "⏳": `<path d="M8 3h16v5l-6 8 6 8v5H8v-5l6-8-6-8z" fill="#f4dca4" stroke="#b98745" stroke-width="2.4"/>`,
  "🔔": `<path d="M16 3a9 9 0 019 9c0 8 3 10 3 12H4c0-2 3-4 3-12a9 9 0 019-9z" fill="#ffc933"/><path d="M12 26a4 4 0 008 0z" fill="#d99a1b"/>`,
  "🔕": `<path d="M16 3a9 9 0 019 9c0 8 3 10 3 12H4c0-2 3-4 3-12a9 9 0 019-9z" fill="#c3ccd4"/>${line("M5 4l22 24", "#e5484d", 3)}`,
  "🚫": `<circle cx="16" cy="16" r="12" fill="none" stroke="#e5403c" stroke-width="5"/>${line("M8 8l16 16", "#e5403c", 5)}`,
  "🛡": `<path d="M16 2l11 4v9c0 8-5 12-11 15C10 27 5 23 5 15V6z" fill="#8fa3b5"/><path d="M16 5v22c5-2 8-6 8-12V8z" fill="#b7c5d1"/>`,
  "📅": `<rect x="3" y="5" width="26" height="24" rx="3" fill="#f4f7fa"/><path d="M3 12h26V8a3 3 0 00-3-3H6a3 3 0 00-3 3z" fill="#e5484d"/>${line("M9 18h4M19 18h4M9 24h4M19 24h4", "#8a97a3", 2.6)}`,
  "📟": `<rect x="2" y="7" width="28" height="19" rx="4" fill="#4b5a68"/><rect x="6" y="11" width="20" height="8" rx="1.5" fill="#b9e3c6"/><circle cx="24" cy="22.500" r="1.500" fill="#e5484d"/>`,
  "⏹": box("#4a9ff5", `<rect x="10" y="10" width="12" height="12" rx="1.500" fill="#fff"/>`),
  "💰": `<path d="M12 4h8l-2 5c6 3 9 8 9 13 0 5-4 7-11 7S5 27 5 22c0-5 3-10 9-13z" fill="#e6b34a"/>${line("M19 16c-1-2-6-2-6 1s6 2 6 5-5 3-6 1M16 13.500v13", "#7a5510", 2)}`,
  "🔒": `<rect x="5" y="14" width="22" height="15" rx="3" fill="#f2b736"/>${line("M10 14V9a6 6 0 0112 0v5", "#9aa7b2", 3.4)}`,
  "⚡": `<path d="M18 1L5 18h9l-2 13 15-18h-9z" fill="#ffc42e"/>`, "⏸": box("#4a9ff5", line("M12 10v12M20 10v12")), "▶": box("#4a9ff5", `<path d="M12 9l12 7-12 7z" fill="#fff"/>`),
  "🔁": box("#4a9ff5", line("M8 15v-2a3 3 0 013-3h12M20 7l3 3-3 3M24 17v2a3 3 0 01-3 3H9M12 19l-3 3 3 3", "#fff", 2.6)),
  "⬆": box("#4a9ff5", line("M16 24V9M10 14l6-6 6 6")), "⬇": box("#4a9ff5", line("M16 8v15M10 18l6 6 6-6")), "➡": box("#4a9ff5", line("M8 16h15M18 10l6 6-6 6")), "⬅": box("#4a9ff5", line("M24 16H9M14 10l-6 6 6 6")),
  "🏁": `${sheet}<path d="M2 3h9v8H2zM21 3h9v8h-9zM11 11h10v9H11zM2 20h9v9H2zM21 20h9v9h-9z" fill="#2a3138"/>`,
};
const PATTERN = new RegExp(`(?:${Object.keys(DRAWN).join("|")})\\uFE0F?`, "gu");

/** Tell whether this machine draws emoji in colour by itself. */
function drawsColour() {
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  context.font = "20px sans-serif";
  context.fillText("🟢", 0, 20);
  const { data } = context.getImageData(0, 0, 24, 24);
  for (let at = 0; at < data.length; at += 4) if (data[at + 1] > data[at] + 20) return true;
  return false;
}

const isNeeded = !drawsColour();

/** Split a text into texts and drawn emoji; one piece where the machine needs no help. */
export function withEmoji(text) {
  if (!isNeeded) return [text];
  const nodes = [];
  let at = 0;
  for (const match of text.matchAll(PATTERN)) {
    nodes.push(text.slice(at, match.index), drawn(match[0]));
    at = match.index + match[0].length;
  }
  return [...nodes, text.slice(at)].filter((one) => one !== "");
}

function drawn(character) {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">${DRAWN[character.replace("\uFE0F", "")]}</svg>`;
  const span = document.createElement("span");
  span.className = "emoji";
  span.textContent = character;
  span.style.backgroundImage = `url("data:image/svg+xml,${encodeURIComponent(svg)}")`;
  return span;
}
