/* One open chat. */

import { bubble } from "./bubbles.js";
import { Composer } from "./composer.js";
import { avatar, day, icon, make } from "./dom.js";
import { showAlert, showMenu, showPhoto, showToast } from "./overlays.js";
import { phone } from "./phone.js";

const NEAR_END_PX = 90;
const JOINED_WITHIN_S = 300;
const ANSWER_WITHIN_MS = 15000;
const ACTION_SHOWN_MS = 5500;
const ACTIONS = { typing: "typing", upload_photo: "sending photo", upload_document: "sending file" };

/** The chat on the screen: draws its messages and keeps them as events come. */
export class ChatView {
  constructor(root, chat, bot, { goBack, hear }) {
    this.hear = hear;
    this.late = null; // events that come while the messages are loaded: the answer may be older than they are
    this.root = root;
    this.chat = chat;
    this.bot = bot;
    this.messages = new Map();
    this.below = 0;
    this.hasOlder = false;
    this.composer = new Composer({ write: (text) => this.write(text), unblock: () => this.restart() });
    this.draw(goBack);
  }

  get id() { return this.chat.id; }

  draw(goBack) {
    const isPrivate = this.chat.type === "private";
    this.subtitle = make("div", { class: "subtitle", "data-testid": "chat-subtitle" });
    this.flow = make("div", { class: "flow" });
    this.scroller = make("div", { class: "scroller", "data-testid": "messages", onscroll: () => this.scrolled() }, this.flow);
    // A picture that arrives or a keyboard that opens must not push the newest message out of sight.
    new ResizeObserver(() => this.isPinned && this.toEnd()).observe(this.flow);
    new ResizeObserver(() => this.isPinned && this.toEnd()).observe(this.scroller);
    this.downBadge = make("span", { class: "badge", hidden: true });
    this.downButton = make("button", { class: "down", "aria-label": "To the newest message", "data-testid": "scroll-down",
      "data-off": true, onclick: () => this.toEnd(true) }, icon("down"), this.downBadge);
    const header = make("header", { class: "bar chat-bar" },
      make("button", { class: "round back", "aria-label": "Back", "data-testid": "back", onclick: goBack }, icon("back")),
      isPrivate ? avatar(0, this.bot.first_name, "small", "bot") : avatar(this.id, this.chat.name, "small", this.chat.type),
      make("div", { class: "title" },
        make("h2", { "data-testid": "chat-title" }, isPrivate ? this.bot.first_name : this.chat.name), this.subtitle),
      isPrivate && avatar(this.id, this.chat.name, "tiny"),
      make("button", { class: "round", "aria-label": "More", "data-testid": "chat-menu", onclick: () => this.openMenu() }, icon("more")));
    this.root.replaceChildren(make("div", { class: "wall" }), header, this.scroller, this.downButton, ...this.composer.nodes);
    this.showIdle();
    this.composer.update(this.chat);
  }

  async load() {
    this.late ??= [];
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const [{ chat, messages }, commands] = await Promise.all([phone.messages(this.id), phone.commands(this.id)]);
    if (turn !== this.turn) return; // a newer load is on its way and will bring all
    const wasAtEnd = this.messages.size === 0 || this.isAtEnd();
    this.hasOlder = messages.length >= 150;
    this.messages = new Map(messages.map((one) => [one.message_id, one]));
    this.flow.replaceChildren(...messages.map((one) => this.element(one)));
    this.composer.setCommands(commands);
    this.update(chat);
    this.arrange();
    const late = this.late;
    this.late = null;
    late.forEach(this.hear);
    if (wasAtEnd) this.toEnd();
    this.markRead();
  }

  async loadOlder() {
    const oldest = this.messages.keys().next().value;
    if (!this.hasOlder || this.isLoading || !oldest) return;
    this.isLoading = true;
    const { messages } = await phone.messages(this.id, oldest);
    this.hasOlder = messages.length >= 150;
    const fromEnd = this.scroller.scrollHeight - this.scroller.scrollTop;
    this.messages = new Map([...messages.map((one) => [one.message_id, one]), ...this.messages]);
    this.flow.prepend(...messages.map((one) => this.element(one)));
    this.arrange();
    this.scroller.scrollTop = this.scroller.scrollHeight - fromEnd;
    this.isLoading = false;
  }

  element(message) {
    return bubble(message, {
      isGroup: this.chat.type !== "private" && this.chat.type !== "channel",
      nameOf: (one) => one.from?.first_name ?? this.chat.name,
      act: ({ command, copy }) => (command ? this.write(command) : this.copy(copy)),
      press: (...press) => this.press(...press),
      jump: (messageId) => this.jump(messageId),
      view: (one) => showPhoto(one, one.from?.first_name ?? this.chat.name),
    });
  }

  find(messageId) { return this.scroller.querySelector(`[data-message-id="${messageId}"]`); }

  add(message) {
    if (this.messages.has(message.message_id)) return this.replace(message);
    const isAtEnd = this.isAtEnd();
    this.messages.set(message.message_id, message);
    const element = this.element(message);
    element.classList.add("fresh");
    this.flow.append(element);
    this.arrange();
    this.showIdle();
    if (isAtEnd || !message.sandbox.is_from_bot) this.toEnd(true);
    else this.countBelow(this.below + 1);
    this.markRead();
  }

  replace(message) {
    const old = this.find(message.message_id);
    if (!old) return;
    const isAtEnd = this.isAtEnd();
    this.messages.set(message.message_id, message);
    old.replaceWith(this.element(message));
    this.arrange();
    if (isAtEnd) this.toEnd();
  }

  remove(messageId) {
    this.messages.delete(messageId);
    this.find(messageId)?.remove();
    this.arrange();
  }

  seen(messageId) {
    const message = this.messages.get(messageId);
    if (!message || message.sandbox.is_seen) return;
    message.sandbox.is_seen = true;
    this.replace(message);
  }

  update(chat) {
    this.chat = chat;
    this.composer.update(chat);
    if (chat.access !== "open") this.showIdle();
  }

  /** Put in the days, join what belongs together, and say so when there is nothing. */
  arrange() {
    this.scroller.querySelectorAll(".day, .nothing-yet").forEach((one) => one.remove());
    const elements = [...this.scroller.querySelectorAll(".message")];
    elements.forEach((element, index) => {
      const before = elements[index - 1];
      const label = day(Number(element.dataset.date));
      const isNewDay = !before || day(Number(before.dataset.date)) !== label;
      if (isNewDay) element.before(make("div", { class: "day", "data-testid": "day" }, label));
      const isJoined = !isNewDay && before.dataset.side === element.dataset.side
        && Number(element.dataset.date) - Number(before.dataset.date) < JOINED_WITHIN_S;
      element.classList.toggle("joined", isJoined);
      element.classList.add("last");
      if (isJoined) before.classList.remove("last");
    });
    if (!elements.length) this.flow.append(this.nothingYet());
  }

  nothingYet() {
    return make("div", { class: "nothing-yet" }, avatar(0, this.bot.first_name, "", "bot"), make("b", {}, this.bot.first_name),
      "No messages here yet.", make("br"), make("button", { "data-testid": "start", onclick: () => this.write("/start") }, "Start"));
  }

  async write(text) {
    this.composer.hideCommands();
    try { await phone.write(this.id, text); } catch (error) { showToast(this.root, error.message); }
  }

  async press(message, button, element) {
    if (button.url) return void window.open(button.url, "_blank", "noopener");
    if (button.copy_text) return this.copy(button.copy_text.text);
    if (button.callback_data === undefined || element.classList.contains("waiting")) return;
    element.classList.add("waiting");
    setTimeout(() => element.classList.remove("waiting"), ANSWER_WITHIN_MS);
    try { await phone.press(this.id, message.message_id, button.callback_data); } catch (error) {
      element.classList.remove("waiting");
      showToast(this.root, error.message);
    }
  }

  answered({ message_id: messageId, text, show_alert: isAlert, url }) {
    this.find(messageId)?.querySelectorAll(".waiting").forEach((one) => one.classList.remove("waiting"));
    if (url) window.open(url, "_blank", "noopener");
    if (text && isAlert) showAlert(this.bot.first_name, text);
    else if (text) showToast(this.root, text);
  }

  acting(action) {
    const dots = make("span", { class: "dots" }, make("i"), make("i"), make("i"));
    this.subtitle.replaceChildren(ACTIONS[action] ?? "busy", dots);
    this.subtitle.classList.add("active");
    clearTimeout(this.idleTimer);
    this.idleTimer = setTimeout(() => this.showIdle(), ACTION_SHOWN_MS);
  }

  showIdle() {
    const words = { private: "bot", group: "group", supergroup: "group", channel: "channel" };
    this.subtitle.replaceChildren(this.chat.access === "open" ? words[this.chat.type] : `bot · ${this.chat.access}`);
    this.subtitle.classList.remove("active");
  }

  async copy(text) {
    try { await navigator.clipboard.writeText(text); showToast(this.root, "Copied"); } catch { showToast(this.root, text); }
  }

  jump(messageId) {
    const element = this.find(messageId);
    if (!element) return showToast(this.root, "This message is not here any more");
    element.scrollIntoView({ block: "center", behavior: "smooth" });
    element.classList.add("flash");
    setTimeout(() => element.classList.remove("flash"), 1100);
  }

  openMenu() {
    const isOpen = this.chat.access === "open";
    showMenu(this.root, this.chat, [
      ["copy", "Copy chat id", () => this.copy(String(this.id))],
      isOpen ? ["ban", "Stop and block bot", () => phone.block(this.id), "danger"] : ["reset", "Restart bot", () => this.restart()],
    ]);
  }

  async restart() {
    await phone.unblock(this.id);
    await this.write("/start");
  }

  isAtEnd() { return this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight < NEAR_END_PX; }

  toEnd(isSmooth = false) {
    this.scroller.scrollTo({ top: this.scroller.scrollHeight, behavior: isSmooth ? "smooth" : "instant" });
    this.isPinned = true;
    this.countBelow(0);
  }

  scrolled() {
    const isAtEnd = this.isAtEnd();
    this.isPinned = isAtEnd;
    this.downButton.toggleAttribute("data-off", isAtEnd);
    if (isAtEnd) this.countBelow(0);
    if (this.scroller.scrollTop < 200) this.loadOlder();
  }

  countBelow(count) {
    this.below = count;
    this.downBadge.hidden = count === 0;
    this.downBadge.textContent = String(count);
  }

  markRead() {
    if (document.visibilityState === "visible" && this.chat.unread) phone.read(this.id);
  }
}
