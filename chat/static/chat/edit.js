/** Editing of a question in its place. Its answer then replaces the old one and all that followed. */

import { canAsk, replace } from "./conversation.js";
import { clone, fill, isComposing, strings } from "./page.js";

const longest = Number(document.getElementById("question").dataset.longest); // in code points, like the server's limit

/** Show a form in place of the question of this exchange. */
export function edit(exchange) {
  const { node: form } = clone("edit-template");
  const { question } = form.elements;
  const shown = exchange.part("asked");
  const close = () => {
    form.remove();
    shown.classList.remove("visually-hidden");
    exchange.part("edit").hidden = false;
    exchange.part("edit").focus();
  };
  shown.classList.add("visually-hidden"); // its heading stays
  exchange.part("edit").hidden = true;
  shown.after(form);
  question.value = exchange.question;
  question.focus();
  form.elements.cancel.addEventListener("click", close);
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || isComposing(event)) return;
    event.stopPropagation(); // it doesn't stop the answer
    close();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = question.value.trim();
    if (!text) return question.focus();
    if (replace(exchange, text)) close();
  });
  // The browser tells it instead of submitting.
  form.querySelector("button:not([type])").addEventListener("click", () => question.setCustomValidity(problemOf(question.value.trim())));
  question.addEventListener("input", () => question.setCustomValidity(""));
}

/** Why the question can't be sent; empty if it can. */
function problemOf(text) {
  const excess = [...text].length - longest;
  if (excess > 0) return fill(strings.tooLong, { count: excess });
  return canAsk() ? "" : strings.answerStarts;
}
