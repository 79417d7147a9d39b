/* What lies over the chat for a moment: the large photo, an alert, a toast. */

import { clock, day, icon, make } from "./dom.js";
import { withEmoji } from "./emoji.js";

const TOAST_MS = 3500;

/** Show a photo as large as the window. */
export function showPhoto(message, name) {
  const viewer = document.getElementById("viewer");
  const close = () => viewer.close();
  const image = make("img", { src: message.sandbox.file.url, alt: message.caption ?? "Photo" });
  viewer.replaceChildren(
    make("header", {}, make("button", { class: "round", "aria-label": "Close", onclick: close }, icon("close")),
      make("div", {}, name, make("small", {}, `${day(message.date)} at ${clock(message.date)}`))),
    make("figure", { onclick: close }, image));
  if (message.caption) viewer.append(make("figcaption", {}, ...withEmoji(message.caption)));
  viewer.showModal();
}

/** Show the bot's words until they are confirmed. */
export function showAlert(title, text) {
  const alert = document.getElementById("alert");
  alert.replaceChildren(make("h3", {}, title), make("p", {}, text),
    make("button", { onclick: () => alert.close() }, "OK"));
  alert.showModal();
}

/** Show words that go away by themselves. */
export function showToast(parent, text) {
  parent.querySelector(".toast")?.remove();
  const toast = make("div", { class: "toast", role: "status", "data-testid": "toast" }, text);
  parent.append(toast);
  setTimeout(() => toast.remove(), TOAST_MS);
}

/** Open the chat's menu below the button; a click anywhere closes it. */
export function showMenu(parent, chat, entries) {
  parent.querySelector(".menu")?.remove();
  const menu = make("div", { class: "menu", role: "menu" },
    make("p", {}, chat.type === "private" ? `${chat.name}'s phone · ${chat.id}` : `${chat.name} · ${chat.id}`),
    ...entries.map(([sign, label, act, kind]) =>
      make("button", { role: "menuitem", class: kind ?? "", onclick: act }, icon(sign), label)));
  parent.append(menu);
  setTimeout(() => document.addEventListener("click", () => menu.remove(), { once: true }));
}
