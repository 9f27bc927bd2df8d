/** The AI SDK's chat as `useChat` uses it, without React: transport, strict parser and message list. */

/** A chat of one caller. `ai` is the SDK module; the connection fails after `broken` text deltas. */
export function createChat(ai, { url, token, id, messages = [], broken = Infinity }) {
  const received = { data: [], errors: [] };
  const transport = new ai.DefaultChatTransport({
    api: `${url}/api/chat/stream`,
    headers: { Authorization: `Bearer ${token}` },
    prepareReconnectToStreamRequest: () => ({ api: `${url}/api/chat/${id}/stream` }),
    fetch: (address, options) => fetchUntil(broken, address, options),
  });
  class Chat extends ai.AbstractChat {}
  const chat = new Chat({
    id,
    transport,
    state: stateOf(messages),
    onData: (part) => received.data.push(part),
    onError: (error) => received.errors.push(String(error)),
  });
  return { chat, received, transport };
}

/** The state that `useChat` keeps in React. */
function stateOf(messages) {
  return {
    status: "ready",
    error: undefined,
    messages,
    pushMessage(message) {
      this.messages = [...this.messages, message];
    },
    popMessage() {
      this.messages = this.messages.slice(0, -1);
    },
    replaceMessage(index, message) {
      this.messages = this.messages.with(index, structuredClone(message));
    },
    snapshot: structuredClone,
  };
}

/** `fetch` with a response that fails after a number of text deltas. */
async function fetchUntil(deltas, address, options) {
  const lost = new AbortController();
  const signal = options?.signal ? AbortSignal.any([options.signal, lost.signal]) : lost.signal;
  const response = await fetch(address, { ...options, signal });
  if (!response.body || deltas === Infinity) return response;
  let remaining = deltas;
  const cut = new TransformStream({
    transform(chunk, controller) {
      controller.enqueue(chunk);
      remaining -= new TextDecoder().decode(chunk).split('"text-delta"').length - 1;
      if (remaining > 0) return;
      setTimeout(() => {
        controller.error(new TypeError("network lost")); // after a delay, because an error discards chunks that are not read yet
        lost.abort();
      }, 50);
    },
  });
  return new Response(response.body.pipeThrough(cut), response);
}
