/** An answer as it arrives: server-sent frames (`data: <json>`) in, parts out. */

import { Trouble } from "./page.js";

/** The server pings every 15 s: after so many milliseconds of silence the connection is gone. */
const SILENCE = 45_000;

/** The parts of the answer up to `[DONE]`; raises Trouble("lost") when the connection, or `signal`, ends it before. */
export async function* parts(response, signal) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let pending = "";
  try {
    for (;;) {
      const { value, done } = await nextPiece(reader, signal);
      if (done) throw new Trouble("lost");
      const frames = (pending + value).split(/\r?\n\r?\n/);
      pending = frames.pop();
      for (const frame of frames) {
        const data = frame.match(/^data: ?(.*)/m)?.[1]; // anything else is a ping
        if (data === "[DONE]") return;
        if (data) yield JSON.parse(data);
      }
    }
  } finally {
    reader.cancel().catch(() => {}); // it may be gone already
  }
}

function nextPiece(reader, signal) {
  const settled = new AbortController();
  return new Promise((resolve, reject) => {
    const lost = () => reject(new Trouble("lost"));
    const timer = setTimeout(lost, SILENCE);
    settled.signal.addEventListener("abort", () => clearTimeout(timer));
    window.addEventListener("offline", lost, { signal: settled.signal });
    signal.addEventListener("abort", lost, { signal: settled.signal });
    reader.read().then(resolve, lost);
  }).finally(() => settled.abort());
}
