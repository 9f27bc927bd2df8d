/** Wires the page: the composer, the dialogs, the addresses (`#c-<conversation>`). The rest is loaded when used. */

import { ask, canAsk, changes, clear, currentId, isBusy, open, stop } from "./conversation.js";
import { announce, fill, keepDraft, onTouch, say, strings, takeDraft } from "./page.js";

const find = (id) => document.getElementById(id);
const parts = ["composer", "question", "remark", "help", "drawer", "drop"];
const [composer, question, remark, help, drawer, drop] = parts.map(find);
const NEAR_THE_END = 400; // characters left when it is time to say so
const wide = window.matchMedia("(min-width: 60rem)");

composer.addEventListener("submit", (event) => {
  event.preventDefault();
  const suggested = event.submitter?.name === "suggestion";
  const text = (suggested ? event.submitter.value : question.value).trim();
  if (!text || !canAsk()) return;
  if (!suggested && spare() < 0) return question.focus();
  if (!suggested) question.value = "";
  heedText();
  ask(text);
});

question.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || onTouch) return;
  event.preventDefault();
  composer.requestSubmit();
});

question.addEventListener("input", heedText);
// It will be needed in a moment; if it can't be had now, it is asked for again then.
question.addEventListener("focus", () => import("./answer.js").catch(() => {}), { once: true });

find("stop").addEventListener("click", stop);

changes.addEventListener("change", () => {
  const stopHadFocus = document.activeElement === find("stop");
  find("send").hidden = isBusy();
  find("stop").hidden = !isBusy();
  if (stopHadFocus && !isBusy()) find("send").focus();
  if (!isBusy()) showConversations();
});

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address belongs to the conversation
  question.focus();
});

find("help-button").addEventListener("click", (event) => {
  event.preventDefault();
  help.showModal();
});

find("language").addEventListener("submit", ({ target }) => {
  target.elements.next.value = `/${window.location.hash}`;
});

// --- Conversations: at the side where there is room, else in a drawer ---
find("menu").addEventListener("click", () => {
  drawer.showModal();
  showConversations();
});
drawer.addEventListener("click", ({ target }) => target.closest("a") && drawer.close());
wide.addEventListener("change", placeConversations);

function placeConversations() {
  drawer.close();
  (wide.matches ? find("side") : drawer).append(find("conversations"));
  showConversations();
}

async function showConversations() {
  if (!wide.matches && !drawer.open) return;
  const conversations = await import("./conversations.js").catch(() => null); // no network: the list stays as it is
  conversations?.show(currentId());
}

// --- Documents ---
find("attach").addEventListener("click", () => chooseDocument());

window.addEventListener("dragover", (event) => {
  if (!event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  drop.hidden = false;
});
window.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) drop.hidden = true;
});
window.addEventListener("drop", (event) => {
  drop.hidden = true;
  if (!event.dataTransfer.files.length) return;
  event.preventDefault();
  chooseDocument(event.dataTransfer.files);
});

async function chooseDocument(files) {
  const documents = await import("./documents.js").catch(showRemark);
  documents?.choose(files);
}

// --- Addresses ---
function route() {
  const conversation = window.location.hash.match(/^#c-(.+)/)?.[1];
  if (conversation) open(decodeURIComponent(conversation));
  else clear();
}
window.addEventListener("hashchange", route);

// --- What is being written ---
function heedText() {
  fitToText();
  showRemark();
}

/** Say what stands in the way of sending, before it is tried: a text that gets too long, a network that is gone. */
function showRemark() {
  const left = spare();
  const kind = left < 0 ? "tooLong" : left < NEAR_THE_END ? "roomLeft" : navigator.onLine ? "" : "offlineRemark";
  say(remark, kind && fill(strings[kind], { count: Math.abs(left) }));
  question.setAttribute("aria-invalid", String(kind === "tooLong"));
  if (kind && kind !== remark.dataset.kind) announce(remark.textContent); // once, not at every key
  remark.dataset.kind = kind;
}

/** How many more characters fit into the question, as the server counts them. */
function spare() {
  return Number(question.dataset.longest) - [...question.value.trim()].length;
}

window.addEventListener("online", showRemark);
window.addEventListener("offline", showRemark);
window.addEventListener("pagehide", () => question.value.trim() && keepDraft(question.value));

function fitToText() {
  if (CSS.supports("field-sizing", "content")) return;
  question.style.height = "auto";
  question.style.height = `${question.scrollHeight}px`;
}

question.value ||= takeDraft();
heedText();
placeConversations();
if (window.location.hash.startsWith("#c-")) route();
performance.mark("ready"); // from here on the page does what it is told
