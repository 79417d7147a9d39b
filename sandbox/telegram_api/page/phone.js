/* What the phone asks of the server. */

async function ask(path, body) {
  const options = body === undefined ? {} : {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  };
  const response = await fetch(`sandbox/${path}`, options);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error ?? response.statusText);
  return answer;
}

export const phone = {
  chats: () => ask("chats"),
  messages: (id, before = 0) => ask(`chats/${id}/messages?limit=150&before=${before}`),
  commands: (id) => ask(`chats/${id}/commands`),
  write: (id, text) => ask(`chats/${id}/text`, { text }),
  press: (id, messageId, data) => ask(`chats/${id}/press`, { message_id: messageId, data }),
  read: (id) => ask(`chats/${id}/read`, {}),
  block: (id) => ask(`chats/${id}/block`, {}),
  unblock: (id) => ask(`chats/${id}/unblock`, {}),
};

/** Hear what happens; `onOpen` is called at each new connection, so that nothing missed stays missed. */
export function listen({ onOpen, onLost, onEvent }) {
  const source = new EventSource("sandbox/events");
  source.addEventListener("open", onOpen);
  source.addEventListener("error", () => {
    onLost();
    // After an HTTP error the browser gives up; a restarted server is worth another try.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => listen({ onOpen, onLost, onEvent }), 1500);
  });
  source.addEventListener("message", (event) => onEvent(JSON.parse(event.data)));
}
