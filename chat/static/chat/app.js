/** Entry point: composer, dialogs and URL fragments (`#c-<conversation>`). Loads the other modules on first use. */

import { ask, canAsk, changes, clear, currentId, hasAnswered, isBusy, loadModules, open, stop, unsentQuestion } from "./conversation.js";
import {
  announce,
  fill,
  isComposing,
  keptText,
  saveDraft,
  onTouch,
  setText,
  showUnloaded,
  startAnew,
  strings,
  takeSavedDraft,
} from "./page.js";

// An older browser goes on without scripts: the form is answered by the server.
if (!(window.HTMLDialogElement?.prototype.showModal && Array.prototype.at && window.TextDecoderStream)) {
  throw new Error("This browser lacks what the page's scripts need");
}

const find = (id) => document.getElementById(id);
const parts = ["composer", "question", "remark", "help", "drawer", "drop"];
const [composer, question, remark, help, drawer, drop] = parts.map(find);
const FEW_CHARACTERS = 400; // from this many remaining characters on, their number is shown
const wide = window.matchMedia("(min-width: 60rem)");

composer.addEventListener("submit", (event) => {
  event.preventDefault();
  const isSuggestion = event.submitter?.name === "suggestion";
  const text = (isSuggestion ? event.submitter.value : question.value).trim();
  if (!text || !canAsk()) return;
  if (!isSuggestion && remainingCharacters() < 0) return question.focus();
  if (!isSuggestion) question.value = "";
  onInput();
  ask(text);
});

question.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || isComposing(event) || onTouch) return;
  event.preventDefault();
  find("send").click();
});

question.addEventListener("input", onInput);
// Preload what the answer needs. An older browser never loads what it has not found once.
question.addEventListener("focus", () => navigator.onLine && loadModules().catch(() => {}), { once: true });

find("stop").addEventListener("click", stop);
window.addEventListener("keydown", (event) => {
  // An open dialog is closed by this key instead.
  if (event.key !== "Escape" || isComposing(event) || document.querySelector("dialog[open]") || !isBusy()) return;
  event.preventDefault();
  stop();
});

changes.addEventListener("change", () => {
  const stopHadFocus = document.activeElement === find("stop");
  find("send").hidden = isBusy();
  find("stop").hidden = !isBusy();
  if (stopHadFocus && !isBusy()) find("send").focus();
  if (isBusy()) return;
  showConversations();
  if (hasAnswered()) import("./offline.js").then(({ keepConversation }) => keepConversation(currentId())).catch(() => {});
});

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the fragment identifies the conversation
  question.focus();
});

find("help-button").addEventListener("click", (event) => {
  event.preventDefault();
  help.showModal();
});

find("language").addEventListener("submit", ({ target }) => {
  target.elements.next.value = `/${window.location.hash}`;
});

// --- Conversations: at the side on a wide screen, else in a drawer ---
find("menu").addEventListener("click", () => {
  drawer.showModal();
  showConversations();
});
drawer.addEventListener("click", ({ target }) => target.closest("a") && drawer.close());
wide.addEventListener("change", placeConversations);
find("conversations").querySelector("a").addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return; // into another tab or window
  event.preventDefault();
  startAnew();
});

function placeConversations() {
  drawer.close();
  (wide.matches ? find("side") : drawer).append(find("conversations"));
  showConversations();
}

async function showConversations() {
  if (!wide.matches && !drawer.open) return;
  const conversations = await import("./conversations.js").catch(showUnloaded);
  conversations?.show(currentId());
}

// --- Voice: off until it is chosen ---
find("voice-button").addEventListener("click", () => import("./speech.js").then(({ choose }) => choose(), showUnloaded));
if (keptText("localStorage", "voice")) import("./speech.js").catch(() => {});

// --- Documents ---
find("attach").addEventListener("click", () => chooseDocument());
find("as-document").addEventListener("click", () => chooseDocument(null, question.value.trim()));

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

async function chooseDocument(files, text) {
  const documents = await import("./documents.js").catch(showUnloaded);
  documents?.choose(files, text);
}

// --- URL fragments ---
function route() {
  const { hash } = window.location;
  const conversation = hash.match(/^#c-([\w-]{1,64})$/)?.[1]; // the server's ids
  if (conversation) open(conversation);
  else if (/^(?:|#new|#c-.*)$/.test(hash)) clear();
}
window.addEventListener("hashchange", route);

// --- Input ---
function onInput() {
  fitHeight();
  showRemark();
}

/** Warn before sending: the text is nearly or really too long, or the browser is offline. */
function showRemark() {
  const remaining = remainingCharacters();
  const kind = remaining < 0 ? "tooLong" : remaining < FEW_CHARACTERS ? "roomLeft" : navigator.onLine ? "" : "offlineRemark";
  setText(remark, kind && fill(strings[kind], { count: Math.abs(remaining) }));
  question.setAttribute("aria-invalid", String(kind === "tooLong"));
  find("as-document").hidden = kind !== "tooLong";
  if (kind && kind !== remark.dataset.kind) announce(remark.textContent); // once, not at every key press
  remark.dataset.kind = kind;
}

/** The characters that still fit into the question, in code points like the server's limit. */
function remainingCharacters() {
  return Number(question.dataset.longest) - [...question.value.trim()].length;
}

window.addEventListener("online", showRemark);
window.addEventListener("offline", showRemark);
window.addEventListener("pagehide", onHidden);
window.addEventListener("pageshow", ({ persisted }) => persisted && onShown());
document.addEventListener("visibilitychange", () => (document.hidden ? onHidden() : onShown()));

/** The browser may end a hidden page. */
function onHidden() {
  saveDraft(question.value.trim() ? question.value : unsentQuestion());
}

function onShown() {
  saveDraft(unsentQuestion());
}

function fitHeight() {
  if (CSS.supports("field-sizing", "content")) return;
  question.style.height = "auto";
  question.style.height = `${question.scrollHeight}px`;
}

question.value ||= takeSavedDraft();
onInput();
placeConversations();
if (window.location.hash.startsWith("#c-")) route();
// What has the focus is scrolled out of what the composer covers.
new ResizeObserver(() => {
  document.documentElement.style.setProperty("--covered", `${composer.offsetHeight}px`);
}).observe(composer);
document.documentElement.dataset.ready = ""; // all event listeners are attached
performance.mark("ready");
