/** The buttons of a finished answer: copy, share, print, rate, answer anew. */

import { call, strings } from "./page.js";
import { plainText, print, share } from "./share.js";

/**
 * Show the buttons of an answer and attach their listeners. An answer that isn't stored (no id) can't be rated or given
 * anew; the analysis of a document is not given anew without the document.
 */
export function enableActions(answer) {
  const { part } = answer;
  const button = (action) => answer.node.querySelector(`[data-action="${action}"]`);

  part("actions").hidden = false;
  button("copy").hidden = !navigator.clipboard;
  button("share").hidden = !navigator.share;
  button("up").hidden = button("down").hidden = !answer.id;
  button("anew").hidden = !answer.id || answer.isDocument;
  showRating();

  button("copy").addEventListener("click", async () => {
    await navigator.clipboard.writeText(plainText(answer));
    part("action-status").textContent = strings.copied;
  });
  button("share").addEventListener("click", () => share(answer));
  button("print").addEventListener("click", () => print(answer));
  button("anew").addEventListener("click", () => answer.node.dispatchEvent(new Event("anew", { bubbles: true })));
  for (const rating of ["up", "down"]) {
    button(rating).addEventListener("click", () => {
      answer.rating = rating;
      showRating();
      part("comment-form").reset();
      part("comment-form").hidden = false;
      part("reasons").hidden = rating === "up";
      send({ rating });
    });
  }
  button("skip").addEventListener("click", closeCommentForm);
  part("comment-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const { reason, comment } = Object.fromEntries(new FormData(part("comment-form")));
    if (reason || comment.trim()) send({ rating: answer.rating, comment, ...(reason && { reason }) });
    closeCommentForm();
  });

  function showRating() {
    for (const rating of ["up", "down"]) button(rating).setAttribute("aria-pressed", String(rating === answer.rating));
  }

  function closeCommentForm() {
    part("comment-form").hidden = true;
    button(answer.rating).focus();
  }

  async function send(feedback) {
    try {
      await call("/api/chat/feedback", { method: "POST", body: { messageId: answer.id, ...feedback } });
      part("action-status").textContent = strings.thanks;
    } catch {
      part("action-status").textContent = strings.notSent;
    }
  }
}
