/** The article that is offered while an answer is awaited. It goes when the answer comes, unless the person keeps it. */

import { blocks, draw, isSafe } from "./markdown.js";
import { announce, clone } from "./page.js";

export class InterimArticle {
  #answerHasCome = false;

  /** Show the article of a `data-interim` part in this place. */
  constructor(place, { text, title, body, source, url }) {
    const { node, part } = clone("interim-template");
    this.node = node;
    this.keep = part("keep");
    part("remark").textContent = text;
    part("title").textContent = title;
    part("body").append(...blocks(body).map((block) => draw(block, () => null)));
    part("source").textContent = source;
    if (isSafe(url)) part("source").href = url;
    this.keep.addEventListener("click", () => this.#toggle());
    place.replaceChildren(node);
    announce(`${text} ${title}`);
  }

  /** Remove it, unless it is kept or being used. */
  answerComes() {
    this.#answerHasCome = true;
    if (!this.#isKept && !this.node.contains(document.activeElement)) this.node.remove();
  }

  get #isKept() {
    return this.keep.getAttribute("aria-pressed") === "true";
  }

  #toggle() {
    this.keep.setAttribute("aria-pressed", String(!this.#isKept));
    if (!this.#answerHasCome || this.#isKept) return;
    const heading = this.node.closest(".exchange")?.querySelector('[data-part="heading"]');
    heading?.focus({ preventScroll: true }); // the focused button goes with the card
    this.node.remove();
  }
}
