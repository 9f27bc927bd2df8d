/** The list of one's conversations, forgetting them, and all of one's data. */

import { announce, call, clone, fill, fromNow, listPage, noticeOfTrouble, partsOf, strings } from "./page.js";

const nav = document.getElementById("conversations");
const dialog = document.getElementById("forget");
const data = document.getElementById("data");
const part = partsOf(nav);
let current = null; // the id of the conversation on the screen
let next = null;
let wasShown = false;

part("more").addEventListener("click", async () => {
  const rows = await load(next).catch(complain);
  if (!rows) return;
  part("list").append(...rows);
  rows[0]?.querySelector("a").focus();
});

part("data").addEventListener("click", () => data.showModal());

partsOf(data)("erase").addEventListener("click", () => {
  data.close();
  forget(strings.forgetAll);
});

/** Show the newest conversations, and mark the one on the screen. A list that can't be renewed stays as it is. */
export async function show(conversationId) {
  current = conversationId;
  const focused = nav.contains(document.activeElement) && document.activeElement.hash;
  const rows = await load(null).catch((trouble) => void (wasShown || complain(trouble)));
  if (!rows) return;
  wasShown = true;
  part("list").replaceChildren(...rows);
  part("none").hidden = rows.length > 0;
  if (focused) nav.querySelector(`a[href="/${CSS.escape(focused)}"]`)?.focus();
}

async function load(before) {
  const page = await listPage("/api/chat/conversations", { before });
  next = page.next;
  part("more").hidden = !next;
  part("trouble").replaceChildren();
  return page.items.map(row);
}

function complain(trouble) {
  part("trouble").replaceChildren(noticeOfTrouble(trouble, () => show(current)));
}

function row({ id, title, updatedAt }) {
  const { node, part } = clone("conversation-template");
  part("link").href = `/#c-${encodeURIComponent(id)}`;
  if (id === current) part("link").setAttribute("aria-current", "page");
  part("title").textContent = title;
  const age = Math.floor((Date.now() - Date.parse(updatedAt)) / 60_000); // in minutes
  part("when").textContent = fromNow(-60 * Math.max(age, 0));
  part("forget").setAttribute("aria-label", fill(strings.forgetThis, { title }));
  part("forget").addEventListener("click", () => forget(strings.forgetOne, title, id));
  return node;
}

/** Forget one conversation, or everything that is kept of this person, if that is confirmed. */
async function forget(question, title = "", conversationId = null) {
  if (!(await confirmed(question, title))) return;
  try {
    if (conversationId) await call("/api/chat/reset", { method: "DELETE", body: { conversationId } });
    else await call("/api/me", { method: "DELETE" });
  } catch (trouble) {
    complain(trouble);
    return;
  }
  announce(strings.forgotten);
  nav.querySelector("a").focus();
  if (!conversationId || conversationId === current) window.location.hash = "new";
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
