/** The list of one's conversations, and forgetting them. */

import { announce, call, clone, fill, fromNow, listPage, noticeOfTrouble, partsOf, strings } from "./page.js";

const nav = document.getElementById("conversations");
const dialog = document.getElementById("forget");
const part = partsOf(nav);
let current = null; // the id of the conversation on the screen
let next = null;

part("more").addEventListener("click", async () => {
  const rows = await load(next);
  part("list").append(...rows);
  rows[0]?.querySelector("a").focus();
});

part("forget-all").addEventListener("click", () => forget({}, strings.forgetAll));

/** Show the newest conversations, and mark the one on the screen. */
export async function show(conversationId) {
  current = conversationId;
  const focused = nav.contains(document.activeElement) && document.activeElement.hash;
  part("list").replaceChildren(...(await load(null)));
  if (focused) nav.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
}

async function load(from) {
  try {
    const page = await listPage("/api/chat/conversations", from);
    next = page.next;
    part("none").hidden = part("list").childElementCount + page.items.length > 0;
    part("forget-all").hidden = !part("none").hidden;
    part("more").hidden = !next;
    return page.items.map(row);
  } catch (trouble) {
    const item = document.createElement("li");
    item.append(noticeOfTrouble(trouble, () => show(current)));
    return [item];
  }
}

function row({ id, title, updatedAt }) {
  const { node, part } = clone("conversation-template");
  part("link").href = `#c-${encodeURIComponent(id)}`;
  if (id === current) part("link").setAttribute("aria-current", "page");
  part("title").textContent = title;
  part("when").textContent = fromNow((Date.parse(updatedAt) - Date.now()) / 1000);
  part("forget").setAttribute("aria-label", fill(strings.forgetThis, { title }));
  part("forget").addEventListener("click", () => forget({ conversationId: id }, strings.forgetOne, title));
  return node;
}

/** Forget one conversation (`conversationId`) or all of them, if that is confirmed. */
async function forget(body, question, title = "") {
  if (!(await confirmed(question, title))) return;
  try {
    await call("/api/chat/reset", { method: "DELETE", body });
  } catch (trouble) {
    part("trouble").replaceChildren(noticeOfTrouble(trouble, () => part("trouble").replaceChildren()));
    return;
  }
  announce(strings.forgotten);
  nav.querySelector("a").focus();
  if (!body.conversationId || body.conversationId === current) window.location.hash = "new";
  show(current);
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
