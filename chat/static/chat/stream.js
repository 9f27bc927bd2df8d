/** Parses a streamed answer: server-sent events (`data: <json>`) in, parts out. */

import { RequestError } from "./page.js";

/** Milliseconds without data after which the connection counts as lost. The server pings every 15 s. */
const SILENCE_TIMEOUT = 45_000;

/** Yield the parts up to `[DONE]`; throws RequestError("lost") if the connection or `signal` ends before. */
export async function* parts(response, signal) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let pending = "";
  try {
    for (;;) {
      const { value, done } = await nextChunk(reader, signal);
      if (done) throw new RequestError("lost");
      const frames = (pending + value).split(/\r?\n\r?\n/);
      pending = frames.pop();
      for (const frame of frames) {
        const data = frame.match(/^data: ?([^\r\n]*)/m)?.[1]; // `.` ends at U+2028, too; anything else is a ping
        if (data === "[DONE]") return;
        if (data) yield JSON.parse(data);
      }
    }
  } finally {
    reader.cancel().catch(() => {}); // the stream may have failed already
  }
}

function nextChunk(reader, signal) {
  const settled = new AbortController();
  return new Promise((resolve, reject) => {
    const lost = () => reject(new RequestError("lost"));
    const timer = setTimeout(lost, SILENCE_TIMEOUT);
    settled.signal.addEventListener("abort", () => clearTimeout(timer));
    window.addEventListener("offline", lost, { signal: settled.signal });
    signal.addEventListener("abort", lost, { signal: settled.signal });
    reader.read().then(resolve, lost);
  }).finally(() => settled.abort());
}
