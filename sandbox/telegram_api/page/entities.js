/* A text and its entities as nodes. Offsets count UTF-16 units, as JavaScript's strings do. */

import { make } from "./dom.js";
import { withEmoji } from "./emoji.js";

const SAFE_LINK = /^(https?|tg|mailto|tel):/i;
const TAGS = { bold: "b", italic: "i", underline: "u", strikethrough: "s" };

/** Render `text`; `act` gets {command} or {copy} when one is tapped. */
export function renderText(text, entities, act) {
  const sorted = [...(entities || [])].sort((a, b) => a.offset - b.offset || b.length - a.length);
  const fragment = document.createDocumentFragment();
  fragment.append(...build(text, 0, text.length, sorted, act));
  return fragment;
}

/** Build the nodes of [start, end): each outermost entity in turn, with what lies inside it. */
function build(text, start, end, entities, act) {
  const nodes = [];
  let at = start;
  let rest = entities;
  while (rest.length) {
    const [first, ...others] = rest;
    const stop = Math.min(end, first.offset + first.length);
    if (first.offset > at) nodes.push(text.slice(at, first.offset));
    const inner = others.filter((one) => one.offset < stop).map((one) => clip(one, first.offset, stop));
    nodes.push(wrap(first, text.slice(first.offset, stop), build(text, first.offset, stop, inner, act), act));
    at = stop;
    rest = others.filter((one) => one.offset + one.length > stop).map((one) => clip(one, stop, end));
    rest = rest.filter((one) => one.length > 0);
  }
  if (at < end) nodes.push(text.slice(at, end));
  return withoutBreaksAtBlocks(nodes).flatMap((node) => (typeof node === "string" ? withEmoji(node) : [node]));
}

function clip(entity, start, end) {
  const offset = Math.max(entity.offset, start);
  return { ...entity, offset, length: Math.min(entity.offset + entity.length, end) - offset };
}

/** A block breaks the line by itself: drop the line break beside it. */
function withoutBreaksAtBlocks(nodes) {
  return nodes.map((node, index) => {
    if (typeof node !== "string") return node;
    let kept = node;
    if (isBlock(nodes[index - 1]) && kept.startsWith("\n")) kept = kept.slice(1);
    if (isBlock(nodes[index + 1]) && kept.endsWith("\n")) kept = kept.slice(0, -1);
    return kept;
  });
}

const isBlock = (node) => node instanceof HTMLElement && node.classList.contains("block");

function wrap(entity, covered, children, act) {
  if (TAGS[entity.type]) return make(TAGS[entity.type], {}, ...children);
  switch (entity.type) {
    case "code": return make("code", { title: "Copy", onclick: () => act({ copy: covered }) }, ...children);
    case "pre": return preformatted(entity, covered, children, act);
    case "blockquote": return make("blockquote", { class: "block" }, ...children);
    case "expandable_blockquote": return foldable(children);
    case "spoiler": return spoiler(children);
    case "text_link": return link(entity.url, children);
    case "url": return link(/^[a-z]+:/i.test(covered) ? covered : `https://${covered}`, children);
    case "email": return link(`mailto:${covered}`, children);
    case "bot_command": return make("a", { role: "button", onclick: () => act({ command: covered }) }, ...children);
    case "mention": case "hashtag": case "cashtag": case "text_mention": return make("a", {}, ...children);
    default: return make("span", {}, ...children);
  }
}

function preformatted(entity, covered, children, act) {
  const language = entity.language && make("span", { class: "language" }, entity.language);
  return make("pre", { class: "block", title: "Copy", onclick: () => act({ copy: covered }) }, language, ...children);
}

function foldable(children) {
  const quote = make("blockquote", { class: "block folded" }, ...children);
  quote.addEventListener("click", () => quote.classList.toggle("open"));
  return quote;
}

function spoiler(children) {
  const cover = make("span", { class: "spoiler" }, ...children);
  cover.addEventListener("click", () => cover.classList.add("shown"));
  return cover;
}

function link(url, children) {
  if (!SAFE_LINK.test(url)) return make("span", {}, ...children);
  return make("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, ...children);
}
