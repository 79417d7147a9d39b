/* One message as a bubble. */

import { clock, icon, make } from "./dom.js";
import { withEmoji } from "./emoji.js";
import { renderText } from "./entities.js";

const LARGEST_PHOTO_HEIGHT_PX = 430;

/** Draw a message. `context` knows the chat and what to do: {names, act, press, jump, view}. */
export function bubble(message, context) {
  const side = message.sandbox.is_from_bot ? "in" : "out";
  const keys = message.reply_markup?.inline_keyboard;
  const body = make("div", { class: `body ${keys ? "with-keys" : ""}` }, content(message, context));
  if (keys) body.append(keyboard(message, keys, context));
  return make("article", {
    class: `message ${side}`, "data-testid": "message", "data-message-id": message.message_id,
    "data-date": message.date, "data-side": side,
  }, body);
}

function content(message, context) {
  const photo = message.photo?.at(-1);
  const text = message.text ?? message.caption;
  const classes = ["bubble", photo && "with-photo", photo && text && "captioned"].filter(Boolean).join(" ");
  const words = text !== undefined && textBlock(message, text, context);
  const meta = !words && metaLine(message, photo ? "over" : "");
  const picture = photo && photoBlock(message, photo, context, !words && meta);
  const parts = message.show_caption_above_media ? [words, picture] : [picture, words];
  return make("div", { class: classes }, senderLine(message, context), replyLine(message, context),
    message.document && documentBlock(message), ...parts, !photo && meta, tail());
}

function senderLine(message, context) {
  if (!context.isGroup || !message.from) return null;
  return make("div", { class: "sender" }, message.from.first_name);
}

function replyLine(message, context) {
  const replied = message.reply_to_message;
  if (!replied) return null;
  const file = message.sandbox.reply_file;
  const words = message.quote?.text ?? replied.text ?? replied.caption ?? (replied.photo ? "Photo" : "File");
  const image = file?.kind === "photo" && make("img", { src: file.url, alt: "" });
  return make("button", { class: "reply", "data-testid": "reply-quote", onclick: () => context.jump(replied.message_id) },
    image, make("div", {}, make("b", {}, context.nameOf(replied)), make("span", { class: "words" }, ...withEmoji(words.replace(/\s+/g, " ")))));
}

function textBlock(message, text, context) {
  const entities = message.entities ?? message.caption_entities;
  return make("div", { class: "text", "data-testid": "message-text" },
    renderText(text, entities, context.act), metaLine(message));
}

function metaLine(message, extra = "") {
  const isOut = !message.sandbox.is_from_bot;
  return make("span", { class: `meta ${extra}`, title: new Date(message.date * 1000).toLocaleString() },
    message.sandbox.is_silent && icon("silent", "bell"),
    message.edit_date && make("span", { "data-testid": "edited" }, "edited"),
    clock(message.date),
    isOut && icon(message.sandbox.is_seen ? "checks" : "check"));
}

function photoBlock(message, photo, context, meta) {
  const isHidden = message.has_media_spoiler;
  const height = Math.min(LARGEST_PHOTO_HEIGHT_PX, (340 * photo.height) / photo.width);
  const image = make("img", { src: message.sandbox.file.url, alt: message.caption ?? "Photo", loading: "lazy" });
  const frame = make("button", {
    class: `photo ${isHidden ? "hidden-photo" : ""}`, "data-testid": "photo", "aria-label": "Open photo",
    style: { width: `min(100%, ${Math.round((height * photo.width) / photo.height)}px)`,
      "aspect-ratio": `${photo.width} / ${photo.height}`, "min-width": "min(100%, 200px)" },
  }, image, meta);
  frame.addEventListener("click", () => {
    if (frame.classList.contains("hidden-photo")) frame.classList.remove("hidden-photo");
    else context.view(message);
  });
  return frame;
}

function documentBlock(message) {
  const size = message.document.file_size;
  const words = size < 1024 ? `${size} B` : size < 1048576 ? `${(size / 1024).toFixed(1)} KB` : `${(size / 1048576).toFixed(1)} MB`;
  return make("a", { class: "document", href: message.sandbox.file.url, download: message.document.file_name },
    make("span", { class: "disc" }, icon("file")),
    make("span", {}, make("b", {}, message.document.file_name), make("small", {}, words)));
}

function tail() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "tail");
  svg.setAttribute("viewBox", "0 0 9 18");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", "M9 18V3C8.5 9.5 5.5 14 .6 16.600c-.9.5-.6 1.4.4 1.400z");
  path.setAttribute("fill", "currentColor");
  svg.append(path);
  return svg;
}

function keyboard(message, rows, context) {
  return make("div", { class: "keyboard" },
    ...rows.map((row) => make("div", { class: "keys" }, ...row.map((button) => key(message, button, context)))));
}

function key(message, button, context) {
  const corner = button.url ? "link" : button.copy_text ? "copy" : null;
  const element = make("button", { "data-testid": "inline-button", "data-callback": button.callback_data, title: button.text },
    ...withEmoji(button.text), corner && icon(corner, "corner"));
  element.addEventListener("click", () => context.press(message, button, element));
  return element;
}
