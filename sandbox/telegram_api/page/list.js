/* The list of chats. */

import { avatar, icon, make, shortTime } from "./dom.js";
import { withEmoji } from "./emoji.js";

/** Draw the list, the newest chat on top. */
export function drawList(chats, open) {
  const list = document.getElementById("chat-list");
  const sorted = [...chats.values()].sort((a, b) => (b.last_message?.date ?? 0) - (a.last_message?.date ?? 0));
  list.replaceChildren(...(sorted.length ? sorted.map((chat) => item(chat, open)) : [nobody()]));
  const unread = sorted.reduce((sum, chat) => sum + chat.unread, 0);
  document.getElementById("list-note").textContent = `${sorted.length} ${sorted.length === 1 ? "phone" : "phones"}`;
  document.title = unread ? `(${unread}) Sinyal sandbox` : "Sinyal sandbox";
}

function item(chat, open) {
  const last = chat.last_message;
  const kind = chat.type === "private" ? "private" : chat.type;
  return make("li", {},
    make("button", { class: "chat-item", "data-testid": "chat-item", "data-chat-id": chat.id, onclick: () => open(chat.id) },
      avatar(chat.id, chat.name, "", kind),
      make("div", { style: { "min-width": "0" } },
        make("div", { class: "row" }, make("span", { class: "name" }, chat.name), last && when(last)),
        make("div", { class: "row" }, preview(chat, last),
          chat.unread > 0 && make("span", { class: "badge", "data-testid": "unread" }, String(chat.unread))))));
}

function when(last) {
  const isOut = !last.sandbox.is_from_bot;
  return make("span", { class: "when" }, isOut && icon(last.sandbox.is_seen ? "checks" : "check"), shortTime(last.date));
}

function preview(chat, last) {
  if (chat.access !== "open") return make("div", { class: "preview" }, make("span", {}, `bot ${chat.access}`));
  if (!last) return make("div", { class: "preview" }, make("span", {}, "no messages yet"));
  const file = last.sandbox.file;
  const words = last.text ?? last.caption ?? (file.kind === "photo" ? "Photo" : last.document.file_name);
  return make("div", { class: "preview" }, file?.kind === "photo" && make("img", { src: file.url, alt: "" }),
    make("span", {}, ...withEmoji(words.replace(/\s+/g, " ").slice(0, 120))));
}

function nobody() {
  return make("li", { class: "empty-list" }, make("p", {}, "Nobody is here yet. Create a person with"), make("br"),
    make("code", {}, "POST /sandbox/chats"), make("br"), make("br"), make("code", {}, '{"first_name": "Rani"}'));
}
