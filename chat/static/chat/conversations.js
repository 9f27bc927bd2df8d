/** The list of conversations: search, names, and the dialogs that delete one of them or all data. */

import { announce, call, clone, fill, isComposing, relativeTime, listPage, errorNotice, partsOf, startAnew, strings } from "./page.js";

const nav = document.getElementById("conversations");
const dialog = document.getElementById("forget");
const data = document.getElementById("data");
const part = partsOf(nav);
const field = part("search").querySelector("input");
const TYPING_PAUSE = 300; // milliseconds
let current = null; // the id of the open conversation
let next = null;
let isLoaded = false;
let typing = 0; // a timer

field.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => show(current), TYPING_PAUSE);
});
field.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || isComposing(event) || !field.value) return;
  event.preventDefault(); // neither closes the drawer nor stops an answer
  event.stopPropagation();
  field.value = "";
  show(current);
});

part("more").addEventListener("click", async () => {
  const rows = await load(next).catch(showError);
  if (!rows) return;
  part("list").append(...rows);
  rows[0]?.querySelector("a").focus();
});

part("data").addEventListener("click", () => data.showModal());

partsOf(data)("erase").addEventListener("click", () => {
  data.close();
  forget(strings.forgetAll);
});

/** Show the newest conversations and mark the current one. If loading fails, keep the list that is shown. */
export async function show(conversationId) {
  current = conversationId;
  const focused = nav.contains(document.activeElement) && document.activeElement.hash;
  const searched = search();
  const rows = await load(null).catch((error) => void (isLoaded || showError(error)));
  if (!rows || searched !== search()) return;
  isLoaded = true;
  part("list").replaceChildren(...rows);
  part("none").hidden = rows.length > 0 || searched;
  part("not-found").hidden = rows.length > 0 || !searched;
  part("search").hidden = !rows.length && !searched;
  if (searched && !rows.length) announce(part("not-found").textContent);
  if (focused) nav.querySelector(`a[href="/${CSS.escape(focused)}"]`)?.focus();
}

async function load(before) {
  const body = { search: search(), before };
  const page = body.search
    ? await (await call("/api/chat/conversations/search", { method: "POST", body })).json()
    : await listPage("/api/chat/conversations", { before });
  next = page.next;
  part("more").hidden = !next;
  part("error").replaceChildren();
  return page.items.map(row);
}

const search = () => field.value.trim();

function showError(error) {
  part("error").replaceChildren(errorNotice(error, () => show(current)));
}

function row({ id, title, updatedAt }) {
  const { node, part } = clone("conversation-template");
  part("link").href = `/#c-${encodeURIComponent(id)}`;
  if (id === current) part("link").setAttribute("aria-current", "page");
  part("title").textContent = title;
  const age = Math.floor((Date.now() - Date.parse(updatedAt)) / 60_000); // in minutes
  part("when").textContent = relativeTime(-60 * Math.max(age, 0));
  part("rename").setAttribute("aria-label", fill(strings.renameThis, { title }));
  part("rename").addEventListener("click", () => rename(node, id, title));
  part("forget").setAttribute("aria-label", fill(strings.forgetThis, { title }));
  part("forget").addEventListener("click", () => forget(strings.forgetOne, title, id));
  return node;
}

/** Show a form with the title in place of the row, until it is submitted or Escape is pressed. */
function rename(row, id, title) {
  const { node: form } = clone("rename-template");
  const input = form.elements.title;
  const shown = [...row.childNodes];
  row.replaceChildren(form);
  input.value = title;
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
      nav.querySelector(`a[href="/#c-${CSS.escape(encodeURIComponent(id))}"]`)?.focus();
    } catch (error) {
      showError(error);
    }
  });
}

/** Delete one conversation, or all data of this person, after a confirmation. */
async function forget(question, title = "", conversationId = null) {
  if (!(await confirmed(question, title))) return;
  try {
    if (conversationId) await call("/api/chat/reset", { method: "DELETE", body: { conversationId } });
    else await call("/api/me", { method: "DELETE" });
  } catch (error) {
    showError(error);
    return;
  }
  announce(strings.forgotten);
  nav.querySelector("a").focus();
  if (!conversationId || conversationId === current) startAnew();
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
