/** What can be done with a finished answer: copy it, say whether it helps, and why. */

import { call, partsOf, strings } from "./page.js";

/** Show the buttons of an answer and make them work. An answer that is not kept (no id) can only be copied. */
export function readyToAct(answer) {
  const part = partsOf(answer.node);
  const button = (action) => answer.node.querySelector(`[data-action="${action}"]`);
  const rate = (rating) => () => {
    for (const side of ["up", "down"]) button(side).setAttribute("aria-pressed", String(side === rating));
    part("why").hidden = false;
    send({ rating }, strings.thanks);
  };
  const send = async (feedback, said) => {
    try {
      await call("/api/chat/feedback", { method: "POST", body: { messageId: answer.id, ...feedback } });
      part("said").textContent = said;
    } catch {
      part("said").textContent = strings.notSent;
    }
  };

  part("actions").hidden = false;
  button("copy").hidden = !navigator.clipboard;
  button("up").hidden = button("down").hidden = !answer.id;
  button("copy").addEventListener("click", async () => {
    await navigator.clipboard.writeText(plainText(answer));
    part("said").textContent = strings.copied;
  });
  button("up").addEventListener("click", rate("up"));
  button("down").addEventListener("click", rate("down"));
  button("skip").addEventListener("click", () => closeWhy());
  part("why").addEventListener("submit", (event) => {
    event.preventDefault();
    const comment = part("why").elements.comment.value.trim();
    const rating = button("up").getAttribute("aria-pressed") === "true" ? "up" : "down";
    if (comment) send({ rating, comment }, strings.thanks);
    closeWhy();
  });

  function closeWhy() {
    part("why").hidden = true;
    answer.node.querySelector('[aria-pressed="true"]').focus();
  }
}

/** The answer as one would paste it into a letter, with its sources below. */
function plainText({ part, sources }) {
  const list = sources.map(({ title, url }, index) => `[${index + 1}] ${title} – ${url}`);
  return [part("prose").innerText, ...(list.length ? [`${strings.sources}\n${list.join("\n")}`] : [])].join("\n\n");
}
