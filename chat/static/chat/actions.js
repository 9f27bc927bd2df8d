/** What can be done with a finished answer: copy it, say whether it helps, and why. */

import { call, strings } from "./page.js";

/** Show the buttons of an answer and make them work. An answer that is not kept (no id) can only be copied. */
export function readyToAct(answer) {
  const { part } = answer;
  const button = (action) => answer.node.querySelector(`[data-action="${action}"]`);

  part("actions").hidden = false;
  button("copy").hidden = !navigator.clipboard;
  button("up").hidden = button("down").hidden = !answer.id;
  showRating();

  button("copy").addEventListener("click", async () => {
    await navigator.clipboard.writeText(plainText(answer));
    part("said").textContent = strings.copied;
  });
  for (const rating of ["up", "down"]) {
    button(rating).addEventListener("click", () => {
      answer.rating = rating;
      showRating();
      part("why").hidden = false;
      send({ rating });
    });
  }
  button("skip").addEventListener("click", closeWhy);
  part("why").addEventListener("submit", (event) => {
    event.preventDefault();
    const comment = part("why").elements.comment.value.trim();
    if (comment) send({ rating: answer.rating, comment });
    closeWhy();
  });

  function showRating() {
    for (const rating of ["up", "down"]) button(rating).setAttribute("aria-pressed", String(rating === answer.rating));
  }

  function closeWhy() {
    part("why").hidden = true;
    button(answer.rating).focus();
  }

  async function send(feedback) {
    try {
      await call("/api/chat/feedback", { method: "POST", body: { messageId: answer.id, ...feedback } });
      part("said").textContent = strings.thanks;
    } catch {
      part("said").textContent = strings.notSent;
    }
  }
}

/** The answer as one would paste it into a letter, with its sources below. */
function plainText({ part, sources }) {
  const list = sources.map(({ title, url }, index) => `[${index + 1}] ${title} – ${url}`);
  return [part("prose").innerText, ...(list.length ? [`${strings.sources}\n${list.join("\n")}`] : [])].join("\n\n");
}
