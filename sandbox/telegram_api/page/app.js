/* The page: which view is on the screen, and where each event goes. */

import { ChatView } from "./chat.js";
import { clock } from "./dom.js";
import { drawList } from "./list.js";
import { listen, phone } from "./phone.js";

const DRAW_AFTER_MS = 40;
const screen = document.getElementById("screen");
const root = document.getElementById("chat-view");
// `late` holds the events that come while everything is loaded: the answer may be older than they are.
const state = { bot: null, chats: new Map(), open: null, late: [] };

/** Draw the list soon: a signal to hundreds of people is one drawing, not hundreds. */
function redraw() {
  state.drawing ??= setTimeout(() => {
    state.drawing = null;
    drawList(state.chats, open);
  }, DRAW_AFTER_MS);
}

/** Load everything anew: at the start, and after every lost connection. */
async function refresh() {
  state.late ??= [];
  const turn = (state.turn = (state.turn ?? 0) + 1);
  const { bot, chats } = await phone.chats();
  if (turn !== state.turn) return; // a newer refresh is on its way and will bring all
  state.bot = bot;
  state.chats = new Map(chats.map((chat) => [chat.id, chat]));
  redraw();
  const { late } = state;
  state.late = null;
  late.forEach(heard);
  if (state.open) await (state.chats.has(state.open.id) ? state.open.load() : close());
  else showWanted();
}

/** Open the chat that the address names. */
function showWanted() {
  const wanted = Number(new URLSearchParams(location.search).get("chat"));
  if (state.chats.has(wanted) && state.open?.id !== wanted) show(wanted);
  else if (!wanted && state.open) close();
}

function open(chatId) {
  history.pushState({}, "", `?chat=${chatId}`);
  show(chatId);
}

async function show(chatId) {
  state.open = new ChatView(root, state.chats.get(chatId), state.bot, { goBack, hear: heard });
  screen.dataset.view = "chat";
  await state.open.load();
}

function goBack() {
  history.pushState({}, "", location.pathname);
  close();
}

function close() {
  state.open = null;
  screen.dataset.view = "list";
}

const HANDLERS = {
  chat({ chat }) {
    state.chats.set(chat.id, chat);
    redraw();
    if (state.open?.id === chat.id) {
      state.open.update(chat);
      state.open.markRead();
    } else if (!state.open) showWanted();
  },
  message: ({ message }) => state.open.add(message),
  edited: ({ message }) => state.open.replace(message),
  deleted: ({ message_id: messageId }) => state.open.remove(messageId),
  seen: ({ message_id: messageId }) => state.open.seen(messageId),
  action: ({ action }) => state.open.acting(action),
  callback_answer: (event) => state.open.answered(event),
  async commands() { if (state.open) state.open.composer.setCommands(await phone.commands(state.open.id)); },
};

function heard(event) {
  if (state.late) return void state.late.push(event);
  if (event.type === "seen") markSeen(event);
  if (event.type !== "chat" && event.type !== "commands" && state.open?.id !== event.chat_id) return;
  if (state.open?.late && event.chat_id) state.open.late.push(event);
  else HANDLERS[event.type]?.(event);
}

/** Show in the list, too, that the bot took the last message. */
function markSeen({ chat_id: chatId, message_id: messageId }) {
  const last = state.chats.get(chatId)?.last_message;
  if (last?.message_id !== messageId) return;
  last.sandbox.is_seen = true;
  redraw();
}

function tellLink(name, words) {
  const link = document.getElementById("link-state");
  link.dataset.state = name;
  link.querySelector("span").textContent = words;
}

function tick() {
  document.getElementById("clock").textContent = clock(Date.now() / 1000);
}

window.addEventListener("popstate", showWanted);
document.addEventListener("visibilitychange", () => state.open?.markRead());
setInterval(tick, 5000);
tick();
listen({
  onOpen: async () => { await refresh(); tellLink("live", "live"); },
  onLost: () => tellLink("connecting", "connecting"),
  onEvent: heard,
});
