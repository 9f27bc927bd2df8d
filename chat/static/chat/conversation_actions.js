/** What can be done with a conversation of the list: rename or delete it. Also the deletion of all data. */

import { current, focus, show, showError } from "./conversations.js";
import { announce, call, clone, isComposing, partsOf, startAnew, strings } from "./page.js";

const nav = document.getElementById("conversations");
const dialog = document.getElementById("forget");

/** Show a form with the title in place of the row, until it is submitted or Escape is pressed. */
export function rename(id, title, row) {
  const { node: form } = clone("rename-template");
  const input = form.elements.title;
  const shown = [...row.childNodes];
  row.replaceChildren(form);
  input.defaultValue = title;
  input.focus();
  input.select();
  const close = () => {
    row.replaceChildren(...shown);
    row.querySelector('[data-part="rename"]').focus();
  };
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || isComposing(event)) return;
    event.preventDefault();
    event.stopPropagation();
    close();
    show(current);
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = { title: input.value.trim() };
    if (!body.title) return input.focus();
    close();
    if (body.title === title) return;
    try {
      await call(`/api/chat/conversations/${encodeURIComponent(id)}`, { method: "PATCH", body });
      await show(current);
      if (!document.activeElement.matches("input, textarea")) focus(`#c-${encodeURIComponent(id)}`, "link");
    } catch (error) {
      showError(error);
    }
  });
}

/** Delete one conversation, or all data of this person, after a confirmation. */
export async function forget(conversationId = null, title = "") {
  if (!(await confirmed(conversationId ? strings.forgetOne : strings.forgetAll, title))) return;
  try {
    if (conversationId) await call("/api/chat/reset", { method: "DELETE", body: { conversationId } });
    else await call("/api/me", { method: "DELETE" });
  } catch (error) {
    showError(error);
    return;
  }
  if (!conversationId) forgetTexts();
  announce(strings.forgotten);
  nav.querySelector("a").focus();
  if (!conversationId || conversationId === current) startAnew();
  show(current);
}

/** Empty what is being written. */
function forgetTexts() {
  const question = document.getElementById("question");
  question.value = "";
  question.dispatchEvent(new Event("input"));
  for (const form of document.querySelectorAll("#document form, .rename")) form.reset();
}

function confirmed(question, title) {
  const part = partsOf(dialog);
  part("title").textContent = question;
  part("name").textContent = title;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "forget"), { once: true });
  });
}
