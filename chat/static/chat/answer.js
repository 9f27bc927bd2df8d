/** One answer on the screen, fed with the parts of a stream or with a message of the history. */

import { readyToAct } from "./actions.js";
import { blocks, draw, isSafe } from "./markdown.js";
import { clone, fill, fromNow, notice, partsOf, strings, whenToRetry } from "./page.js";

const WHAT_HAPPENED = { overloaded: "overloaded", ai_rejected: "rejected" };

export class Answer {
  id = null;
  reference = ""; // by which the logs know it
  text = "";
  rating = ""; // "up", "down" or nothing yet
  sources = [];
  #drawn = [];
  #frame = 0;

  constructor(node) {
    this.node = node;
    this.part = partsOf(node);
    node.setAttribute("aria-busy", "true");
  }

  /** Take in one part of a stream. Parts that the page doesn't know are left, as the protocol asks. */
  take({ type, ...part }) {
    if (type === "start") this.#begin(part);
    else if (type === "text-delta") this.#write(part.delta);
    else if (type === "source-url") this.#addSource(part);
    else if (type === "data-status") this.part("status")?.replaceChildren(part.data.text);
    else if (type === "data-notice") this.#addNotice(part.data);
    else if (type === "data-suggestions") this.#suggest(part.data);
    else if (type === "error") this.#addNotice({ kind: "interrupted", text: part.errorText });
  }

  /** Take in a message of the history, all at once. */
  takeMessage({ id, text, sources, suggestions, origin, degraded, rating = "", correlationId }) {
    this.take({ type: "start", messageId: id, messageMetadata: { correlationId } });
    if (degraded) this.#addNoticeOf(origin, degraded);
    for (const source of sources) this.take({ type: "source-url", sourceId: source.id, ...source });
    this.take({ type: "text-delta", delta: text });
    this.take({ type: "data-suggestions", data: suggestions });
    this.rating = rating;
    this.close();
  }

  /** The answer has ended, whole or not: show all that came, and what can be done with it. */
  close() {
    this.#draw();
    this.part("waiting")?.remove();
    this.node.removeAttribute("aria-busy");
    this.part("sources").hidden = !this.sources.length;
    this.part("suggestions").hidden = !this.part("suggestions").childElementCount;
    if (this.text) readyToAct(this);
  }

  #begin({ messageId, messageMetadata }) {
    this.id = messageId;
    this.reference = messageMetadata?.correlationId ?? "";
  }

  #write(delta) {
    this.text += delta;
    this.part("waiting")?.remove();
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  // Only what is new is drawn, so that what someone is reading, selecting or about to touch stays where it is.
  #draw() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const fresh = blocks(this.text);
    const first = fresh.findIndex((block, index) => block !== this.#drawn[index]);
    if (first < 0) return;
    const prose = this.part("prose");
    while (prose.childElementCount > first) prose.lastElementChild.remove();
    prose.append(...fresh.slice(first).map((block) => draw(block, (number) => this.#cite(number))));
    this.#drawn = fresh;
  }

  #addSource({ url, title }) {
    if (!isSafe(url)) return;
    this.sources.push({ url, title });
    const { node, part } = clone("source-template");
    part("card").href = url;
    part("number").textContent = this.sources.length;
    part("title").textContent = title || url;
    part("place").textContent = new URL(url).hostname.replace(/^www\./, "");
    this.part("cards").append(node);
    this.#drawn = []; // a citation drawn as plain text may now have its source
  }

  #cite(number) {
    if (!this.sources[number - 1]) return null;
    const link = document.createElement("a");
    link.className = "citation";
    link.textContent = number;
    link.href = this.sources[number - 1].url;
    link.setAttribute("aria-label", fill(strings.citation, { number }));
    link.addEventListener("click", (event) => {
      event.preventDefault();
      this.part("cards").querySelectorAll("a")[number - 1].focus();
    });
    return link;
  }

  #addNotice({ kind, text, retryAfter }) {
    const { reference } = this;
    if (kind === "interrupted") this.part("after").append(notice({ title: strings.interruptedTitle, text, reference }));
    else this.part("before").append(notice({ text, when: whenToRetry(retryAfter), reference }));
  }

  // The history keeps the facts; these are the words that the server found for them at the time.
  #addNoticeOf(origin, { reason, ageSeconds }) {
    if (reason === "interrupted") return this.#addNotice({ kind: "interrupted", text: strings.interruptedText });
    const what = strings[WHAT_HAPPENED[reason] ?? "unavailable"];
    const sentence = { stale: strings.stale, knowledge: strings.knowledge }[origin] ?? what;
    this.#addNotice({ kind: "degraded", text: fill(sentence, { what, age: fromNow(-(ageSeconds ?? 0)) }) });
  }

  #suggest(suggestions) {
    const buttons = suggestions.map((suggestion) => {
      const { node } = clone("suggestion-template");
      node.value = node.textContent = suggestion;
      return node;
    });
    this.part("suggestions").replaceChildren(...buttons);
  }
}
