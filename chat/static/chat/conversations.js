/** The list of conversations, and the search in it. */

import { announce, call, clone, fill, isComposing, relativeTime, listPage, errorNotice, partsOf, showNotice, showUnloaded, strings } from "./page.js";

const nav = document.getElementById("conversations");
const data = document.getElementById("data");
const part = partsOf(nav);
const field = part("search").querySelector("input");
const TYPING_PAUSE = 300; // milliseconds
export let current = null; // the id of the open conversation
let next = null;
let shown = null; // what was searched for in the list that is shown
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
  const before = next;
  const page = await load(before).catch(showError);
  if (!page || before !== next) return; // the list has changed meanwhile
  part("list").append(...page.rows);
  setNext(page.next);
  page.rows[0]?.querySelector("a").focus();
});

part("data").addEventListener("click", () => data.showModal());

partsOf(data)("erase").addEventListener("click", () => {
  data.close();
  act("forget");
});

/** Show the newest conversations, as many as before; mark the current one. A name that is being typed stays. */
export async function show(conversationId) {
  current = conversationId;
  const searched = search();
  const isSame = searched === shown;
  const isKept = () => searched !== search() || (isSame && isNaming());
  if (isKept()) return;
  const count = isSame ? part("list").childElementCount : 0;
  const page = await load(null, count).catch((error) => void (shown !== null || showError(error)));
  if (!page || isKept()) return;
  const { rows } = page;
  shown = searched;
  setNext(page.next);
  const { activeElement } = document;
  const focused = activeElement?.closest(".conversation")?.querySelector("a").hash;
  part("list").replaceChildren(...rows);
  part("none").hidden = rows.length > 0 || searched;
  part("not-found").hidden = rows.length > 0 || !searched;
  part("search").hidden = !rows.length && !searched;
  if (searched && !rows.length) announce(part("not-found").textContent);
  if (focused) focus(focused, activeElement.dataset.part);
}

function act(name, ...options) {
  import("./conversation_actions.js").then((actions) => actions[name](...options), showUnloaded);
}

export function focus(hash, name) {
  const link = nav.querySelector(`a[href="/${CSS.escape(hash)}"]`);
  link?.parentElement.querySelector(`[data-part="${name}"]`).focus();
}

/** Offer what follows the rows that are shown. */
function setNext(following) {
  next = following;
  part("more").hidden = !next;
  part("error").replaceChildren();
}

/** `{rows, next}` of one page, or of as many pages as `count` rows need. */
async function load(before, count = 0) {
  const body = { search: search(), before };
  const page = body.search
    ? await (await call("/api/chat/conversations/search", { method: "POST", body })).json()
    : await listPage("/api/chat/conversations", { before });
  const rows = page.items.map(row);
  if (!page.next || rows.length >= count) return { rows, next: page.next };
  const rest = await load(page.next, count - rows.length);
  return { rows: [...rows, ...rest.rows], next: rest.next };
}

const search = () => field.value.trim();

function isNaming() {
  return [...nav.querySelectorAll(".rename input")].some((title) => title.matches(":focus") || title.value !== title.defaultValue);
}

export function showError(error) {
  showNotice(part("error"), errorNotice(error, () => show(current)));
}

function row({ id, title, updatedAt }) {
  const { node, part } = clone("conversation-template");
  part("link").href = `/#c-${encodeURIComponent(id)}`;
  if (id === current) part("link").setAttribute("aria-current", "page");
  part("title").textContent = title;
  const age = Math.floor((Date.now() - Date.parse(updatedAt)) / 60_000); // in minutes
  part("when").textContent = relativeTime(-60 * Math.max(age, 0));
  part("rename").setAttribute("aria-label", fill(strings.renameThis, { title }));
  part("rename").addEventListener("click", () => act("rename", id, title, node));
  part("forget").setAttribute("aria-label", fill(strings.forgetThis, { title }));
  part("forget").addEventListener("click", () => act("forget", id, title));
  return node;
}
