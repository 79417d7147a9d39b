/* The box to type in, the command menu, and what stands in their place. */

import { icon, make } from "./dom.js";

/** Builds the bottom of a chat. `acts` is {write(text), unblock()}. */
export class Composer {
  constructor(acts) {
    this.acts = acts;
    this.commands = [];
    this.chosen = 0;
    this.input = make("textarea", {
      rows: 1, placeholder: "Message", "aria-label": "Message", "data-testid": "message-input", enterkeyhint: "send",
      oninput: () => this.changed(), onkeydown: (event) => this.keyDown(event),
    });
    this.sendButton = make("button", {
      class: "send", "aria-label": "Send", "data-testid": "send-button", disabled: true, onclick: () => this.send(),
    }, icon("send"));
    this.menuButton = make("button", {
      class: "menu-button", "aria-label": "Commands", "data-testid": "command-menu", hidden: true,
      onclick: () => (this.panel.hidden ? this.showCommands(this.commands) : this.hideCommands()),
    }, icon("menu"), make("span", {}, "Menu"));
    this.panel = make("div", { class: "commands", hidden: true, role: "listbox", "aria-label": "Commands" });
    this.bar = make("footer", { class: "composer" });
    this.replyKeys = make("div", { class: "reply-keyboard", hidden: true });
    this.nodes = [this.panel, this.bar, this.replyKeys];
  }

  /** Fit the bottom to the chat: the box, or the way back to a bot that was blocked. */
  update(chat) {
    const isOpen = chat.access === "open";
    const action = chat.access === "blocked" ? "Restart bot" : "Account deleted";
    const parts = isOpen ? [this.menuButton, this.input, this.sendButton] : [make("button", {
      class: "bottom-action", "data-testid": "restart", disabled: chat.access !== "blocked", onclick: this.acts.unblock,
    }, action)];
    if (this.bar.firstChild !== parts[0]) this.bar.replaceChildren(...parts);
    this.drawReplyKeys(isOpen ? chat.reply_keyboard : null);
  }

  setCommands(commands) {
    this.commands = commands;
    this.menuButton.hidden = commands.length === 0;
  }

  changed() {
    this.input.style.height = "0";
    this.input.style.height = `${Math.min(132, Math.max(38, this.input.scrollHeight + 1))}px`;
    const text = this.input.value;
    this.sendButton.disabled = !text.trim();
    this.bar.classList.toggle("typing", text !== "");
    const matching = this.commands.filter((one) => `/${one.command}`.startsWith(text.toLowerCase()));
    if (text.startsWith("/") && matching.length) this.showCommands(matching, 0);
    else this.hideCommands();
  }

  keyDown(event) {
    if (!this.panel.hidden && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      this.choose(this.chosen + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Tab" && !this.panel.hidden) {
      event.preventDefault();
      this.input.value = this.panel.children[Math.max(0, this.chosen)].dataset.command;
      this.changed();
    } else if (event.key === "Escape") this.hideCommands();
    else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.send();
    }
  }

  send(text = this.input.value) {
    if (!text.trim()) return;
    this.acts.write(text);
    this.input.value = "";
    this.changed();
  }

  showCommands(commands, chosen = -1) {
    this.panel.replaceChildren(...commands.map((one) => make("button", {
      role: "option", "data-testid": "command", "data-command": `/${one.command}`, onclick: () => this.send(`/${one.command}`),
    }, make("b", {}, `/${one.command}`), make("small", {}, one.description))));
    this.panel.hidden = commands.length === 0;
    this.choose(chosen);
  }

  hideCommands() {
    this.panel.hidden = true;
  }

  choose(index) {
    const rows = [...this.panel.children];
    this.chosen = rows.length ? (index + rows.length) % rows.length : 0;
    if (index < 0 && this.chosen === rows.length - 1 && this.input.value === "") this.chosen = -1;
    rows.forEach((row, place) => row.classList.toggle("chosen", place === this.chosen));
    rows[this.chosen]?.scrollIntoView({ block: "nearest" });
  }

  drawReplyKeys(markup) {
    this.replyKeys.hidden = !markup;
    const rows = markup?.keyboard ?? [];
    this.replyKeys.replaceChildren(...rows.map((row) => make("div", {}, ...row.map((button) => {
      const text = typeof button === "string" ? button : button.text;
      return make("button", { onclick: () => this.acts.write(text) }, text);
    }))));
  }
}
