/** A browser's EventSource, which reconnects by itself: reads `{"url": …, "token": …}` and prints what it received. */

import { once } from "node:events";
import { createInterface } from "node:readline";
import { EventSource } from "eventsource";

const [line] = await once(createInterface({ input: process.stdin }), "line");
const { url, token, lose_after: loseAfter = Infinity } = JSON.parse(line);
const received = { parts: [], ids: [], connections: [] };
let connection = new AbortController();

const source = new EventSource(url, { fetch: connect });
source.onmessage = ({ data, lastEventId }) => {
  if (data === "[DONE]") return; // not closed: the 204 of the next connection ends the reconnects
  received.parts.push(JSON.parse(data));
  received.ids.push(lastEventId);
  if (received.parts.length === loseAfter) connection.abort(new TypeError("network lost"));
};
source.onerror = ({ code }) => {
  if (source.readyState !== EventSource.CLOSED) return;
  process.stdout.write(`${JSON.stringify({ ...received, closed_by: code })}\n`);
  process.exit();
};

async function connect(address, options) {
  connection = new AbortController();
  const headers = { ...options.headers, Authorization: `Bearer ${token}` };
  const response = await fetch(address, { ...options, headers, signal: connection.signal });
  received.connections.push({ status: response.status, last_event_id: headers["Last-Event-ID"] ?? null });
  return response;
}
