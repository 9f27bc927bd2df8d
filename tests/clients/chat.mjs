/** The AI SDK's chat as `useChat` runs it, without React: its transport, its strict parser, its list of messages. */

/** A chat of one person. `ai` is the SDK, `broken` cuts the connection after so many pieces of text. */
export function chatOf(ai, { url, token, id, messages = [], broken = Infinity }) {
  const heard = { data: [], errors: [] };
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
    onData: (part) => heard.data.push(part),
    onError: (error) => heard.errors.push(String(error)),
  });
  return { chat, heard, transport };
}

/** What `useChat` keeps in React's state. */
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

/** A network that is lost after so many text deltas. */
async function fetchUntil(deltas, address, options) {
  const lost = new AbortController();
  const signal = options?.signal ? AbortSignal.any([options.signal, lost.signal]) : lost.signal;
  const response = await fetch(address, { ...options, signal });
  if (!response.body || deltas === Infinity) return response;
  let left = deltas;
  const cut = new TransformStream({
    transform(piece, controller) {
      controller.enqueue(piece);
      left -= new TextDecoder().decode(piece).split('"text-delta"').length - 1;
      if (left > 0) return;
      setTimeout(() => {
        controller.error(new TypeError("network lost")); // what came before is read by now: an error overtakes it
        lost.abort();
      }, 50);
    },
  });
  return new Response(response.body.pipeThrough(cut), response);
}
