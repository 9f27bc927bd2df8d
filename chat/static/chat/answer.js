/** Renders one answer, from the parts of a stream or from a message of the history. */

import { enableActions } from "./actions.js";
import { InterimArticle } from "./interim.js";
import { blocks, draw, isSafe } from "./markdown.js";
import { directionOf, languageOf, longDate } from "./languages.js";
import { announce, clone, fill, relativeTime, notice, partsOf, strings, retrySentence } from "./page.js";

const REASON_STRINGS = { over_budget: "overBudget", overloaded: "overloaded", ai_rejected: "rejected" };

export class Answer {
  id = null; // of the stored answer
  isDocument = false; // whether it is the analysis of a document
  reference = ""; // the correlation id
  date = new Date();
  text = "";
  rating = ""; // "up", "down" or nothing yet
  sources = [];
  #drawn = [];
  #frame = 0;
  #interim = null;

  constructor(node) {
    this.node = node;
    this.part = partsOf(node);
    node.setAttribute("aria-busy", "true");
  }

  /** Add one part of a stream. Unknown parts are ignored, as the protocol requires. */
  addPart({ type, ...part }) {
    if (type === "start") this.#start(part);
    else if (type === "text-delta") this.#addText(part.delta);
    else if (type === "source-url" || type === "source-document") this.#addSource(part);
    else if (type === "data-status") this.#showStatus(part.data.text);
    else if (type === "data-interim") this.#interim = new InterimArticle(this.part("meanwhile"), part.data);
    else if (type === "data-notice") this.#addNotice(part.data);
    else if (type === "data-suggestions") this.#suggest(part.data);
    else if (type === "error") this.#addNotice({ kind: "interrupted", text: part.errorText });
  }

  /** Show a message of the history. */
  showMessage({ id, text, status, sources, suggestions, origin, degraded, rating = "", correlationId, createdAt }) {
    this.addPart({ type: "start", messageId: id, messageMetadata: { correlationId } });
    this.date = new Date(createdAt);
    this.text = text; // where a notice belongs depends on it
    if (degraded) this.#addDegradedNotice(origin, degraded);
    else if (strings.endings[status]) this.#addNotice({ kind: "interrupted", text: strings.endings[status] });
    for (const source of sources) this.addPart({ type: "source-url", sourceId: source.id, ...source });
    this.addPart({ type: "data-suggestions", data: suggestions });
    this.rating = rating;
    this.close();
  }

  /** Finish the answer, complete or not: show its text, sources, suggestions and buttons. */
  close() {
    this.#draw();
    this.#setLanguage();
    this.#endWaiting();
    this.node.removeAttribute("aria-busy");
    this.part("sources").hidden = !this.sources.length;
    this.part("suggestions").hidden = !this.part("suggestions").childElementCount;
    if (this.text) enableActions(this);
  }

  #setLanguage() {
    const lang = languageOf(this.text);
    for (const name of ["prose", "suggestions"]) Object.assign(this.part(name), { lang, dir: directionOf(lang) });
  }

  #start({ messageId, messageMetadata }) {
    this.id = messageId;
    this.reference = messageMetadata?.correlationId ?? "";
  }

  #addText(delta) {
    this.text += delta;
    this.#endWaiting();
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  /** What is being waited for, also below the help lines that come first to somebody in distress. */
  #showStatus(text) {
    if (!this.part("waiting")) this.part("after").append(clone("exchange-template").part("waiting"));
    this.part("status").textContent = text;
    announce(text);
  }

  #endWaiting() {
    this.part("waiting")?.remove();
    this.#interim?.answerComes();
    this.#interim = null;
  }

  // Only changed blocks are replaced, so that selections and tap targets in the others stay.
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

  /** The text cites a source by its id, if that is a number; any other source has the next free number. */
  #addSource({ sourceId, url, title, asOf, outdated, providerMetadata }) {
    if (url && !isSafe(url)) return;
    const number = /^\d{1,2}$/.test(sourceId) ? Number(sourceId) : Math.max(0, ...this.sources.map((each) => each.number)) + 1;
    if (this.sources.some((each) => each.number === number)) return;
    const { node, part } = clone("source-template");
    this.sources.push({ number, url, title, card: part("card") });
    if (url) part("card").href = url;
    else dropLink(part("card"));
    part("number").textContent = number;
    part("title").textContent = title || url;
    if (url) part("place").textContent = new URL(url).hostname.replace(/^www\./, "");
    showAge(part("age"), providerMetadata?.bff ?? { asOf, outdated });
    const after = this.sources.filter((each) => each.number > number).sort((a, b) => a.number - b.number)[0];
    this.part("cards").insertBefore(node, after?.card.closest("li") ?? null);
    this.#drawn = []; // a citation drawn as plain text may now have its source
  }

  #cite(number) {
    const source = this.sources.find((each) => each.number === number);
    if (!source) return null;
    const link = document.createElement("a");
    link.className = "citation";
    link.append(bracket("["), String(number), bracket("]"));
    link.href = source.url || "#";
    link.setAttribute("aria-label", fill(strings.citation, { number }));
    link.addEventListener("click", (event) => {
      event.preventDefault();
      source.card.focus();
    });
    return link;
  }

  #addNotice({ kind, text, retryAfter }) {
    const { reference } = this;
    // Whoever is in distress first reads where to find help.
    if (kind === "interrupted" || strings.distress.some((words) => this.text.startsWith(words))) this.#addNoticeAfter(kind, { text, when: retrySentence(retryAfter), reference });
    else this.part("before").append(notice({ text, when: retrySentence(retryAfter), reference }));
  }

  #addNoticeAfter(kind, options) {
    const title = kind === "interrupted" ? strings.interruptedTitle : "";
    this.part("after").append(notice({ title, ...options }));
  }

  // The history stores the reason, not the notice's text; build the same text as the server did.
  #addDegradedNotice(origin, { reason, ageSeconds }) {
    if (reason === "interrupted") return this.#addNotice({ kind: "interrupted", text: strings.interruptedText });
    const what = strings[REASON_STRINGS[reason] ?? "unavailable"];
    const sentence = { stale: strings.stale, knowledge: strings.knowledge, ai: strings.weak }[origin] ?? what;
    this.#addNotice({ kind: "degraded", text: fill(sentence, { what, age: relativeTime(-(ageSeconds ?? 0)) }) });
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

/** Say of which day a source's facts are, and whether they may have changed since. */
function showAge(node, { asOf, outdated }) {
  node.hidden = !asOf;
  if (!asOf) return;
  node.textContent = fill(outdated ? strings.outdatedSince : strings.upToDateOn, { day: longDate(asOf, "long") });
}

/** Show a source that has no web address: a card that citations can still lead to. */
function dropLink(card) {
  card.removeAttribute("href");
  card.tabIndex = -1;
  card.querySelector(".icon")?.remove();
}

/** A bracket around a citation's number: copied with the text, but not shown. */
function bracket(character) {
  const node = document.createElement("span");
  node.className = "bracket";
  node.textContent = character;
  return node;
}
