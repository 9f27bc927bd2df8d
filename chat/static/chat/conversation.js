/** The current conversation: ask, follow, stop and resume an answer, open another conversation. */

import {
  announce,
  call,
  clone,
  saveDraft,
  listPage,
  notice,
  errorNotice,
  onTouch,
  showNotice,
  showUnloaded,
  strings,
  unloaded,
  RequestError,
} from "./page.js";

const STREAM = "/api/chat/stream";
const STOP_TIMEOUT = 1500; // milliseconds until the page leaves an answer that does not end when it is stopped
const STOP_PAUSE = 200; // milliseconds between attempts to stop it
/** Delays in seconds before resuming an answer that was lost while online, such as during a server restart. */
const RESUME_DELAYS = [1, 3, 6, 12];
const exchanges = document.getElementById("exchanges");
const composer = document.getElementById("question");
const welcome = document.getElementById("welcome");

/** Dispatches `change` when an answer begins or ends, and when the conversation gets its id. */
export const changes = new EventTarget();

let id = null;
let idOfNew = newId(); // the id that the first question gives a new conversation; `id` once the server has told it
let run = null; // the answer that is arriving: {controller, stopped, isHeld, messageId}
let opening = null; // the controller of the request for the conversation that is being opened
let unsent = ""; // the last question that the server may not have
let reading = null; // ends when the documents are read that the person keeps, and that the next question may be about

/** The id of the conversation that is shown; null for a new one. */
export const currentId = () => id;
export const hasAnswered = () => id !== null && exchanges.querySelector('.answer:not([aria-busy="true"])') !== null;
export const isBusy = () => run !== null;
export const canAsk = () => !run && !opening;
export const unsentQuestion = () => unsent;

export async function ask(question) {
  const exchange = addExchange(question);
  scrollToQuestion(exchange);
  await send(exchange);
}

/**
 * Answer an exchange anew, with another question if one is given: the answer takes the place of the old one and of all
 * that followed. Returns whether it began; another answer may be arriving.
 */
export function replace(exchange, question = exchange.question) {
  if (!canAsk()) return false;
  while (exchange.node.nextElementSibling) exchange.node.nextElementSibling.remove();
  if (question !== exchange.question) exchange.isEdited = true;
  exchange.question = exchange.part("question").textContent = question;
  resetAnswer(exchange);
  scrollToQuestion(exchange);
  send(exchange);
  return true;
}

/** Let the next question or kept document wait until this promise is settled, too. */
export const holdUntil = (end) => (reading = Promise.allSettled([reading, end]));

/** Wait until all that is kept is read, and for others, or until the signal aborts. */
export const untilRead = (signal, others) =>
  Promise.race([Promise.all([reading, others]), new Promise((stop) => signal.addEventListener("abort", stop))]);

/** Stop the answer for this conversation, in all its tabs; the text so far stays. */
export async function stop() {
  const current = run;
  const { controller } = current;
  current.stopped = true;
  if (current.isHeld) return controller.abort(); // nothing is asked yet
  setTimeout(() => controller.abort(), STOP_TIMEOUT); // normally the server ends the stream before
  try {
    // The question may still be on its way, or not stored yet.
    while (run === current && !(await stopOnServer(current))) await new Promise((resolve) => setTimeout(resolve, STOP_PAUSE));
  } catch {
    controller.abort();
  }
}

/** Whether the server had an answer to stop. */
async function stopOnServer({ messageId }) {
  const body = messageId && { messageId };
  const response = await call(`${urlOf(id ?? idOfNew)}/stop`, { method: "POST", body });
  return (await response.json()).stopped;
}

/** Show an earlier conversation and resume its answer if that is still being written. */
export async function open(conversationId) {
  clear();
  id = conversationId;
  welcome.hidden = true;
  showLoading();
  notifyChange();
  const current = (opening = new AbortController());
  try {
    const [messages, [, { Answer }]] = await Promise.all([messagesOf(conversationId, current.signal), loadModules()]);
    if (opening === current) await showMessages(messages, Answer);
  } catch (error) {
    if (opening === current) showNotice(onlyItem(), errorNotice(error, () => open(conversationId)));
  } finally {
    if (opening === current) opening = null;
  }
}

/** Show the welcome page. An answer being written continues on the server and can be resumed from its conversation. */
export function clear() {
  run?.controller.abort();
  opening?.abort();
  run = opening = reading = id = null;
  idOfNew = newId();
  setUnsent("");
  exchanges.replaceChildren();
  welcome.hidden = false;
  notifyChange();
}

/**
 * Add a question, or the name of a document, with an empty answer below it. `messageId` is the stored question's, later
 * the id that the page gave it or that of its answer; `isKnown` says whether the server has told it.
 */
export function addExchange(question, { isDocument = false, messageId = null } = {}) {
  const { node, part } = clone("exchange-template");
  const exchange = { node, part, question, isDocument, messageId, isKnown: messageId !== null, isEdited: false, answered: false, losses: 0 };
  part("question").textContent = question;
  import("./languages.js").then(({ languageOf }) => (part("question").lang = languageOf(question))).catch(() => {});
  part("edit").hidden = isDocument;
  part("edit").addEventListener("click", () => canAsk() && import("./edit.js").then(({ edit }) => edit(exchange), showUnloaded));
  node.addEventListener("anew", () => replace(exchange));
  exchanges.append(node);
  welcome.hidden = true;
  return exchange;
}

/** Scroll the question to the top and focus it, unless a text field has the focus on a device without touch. */
export function scrollToQuestion({ node, part }) {
  node.scrollIntoView({ block: "start" });
  if (onTouch || !document.activeElement?.matches("textarea")) part("heading").focus({ preventScroll: true });
}

export function showWaiting({ part }, sentence) {
  if (!part("waiting")) part("after").replaceChildren(clone("exchange-template").part("waiting"));
  part("status").textContent = sentence;
}

/** Show an error below a question, with a button that calls `act`. For a lost answer, call `act` automatically too. */
export function showError(exchange, error, act) {
  const { part } = exchange;
  const again = () => {
    if (run || !shown.isConnected) return;
    // The focused button is about to be removed.
    if (shown.contains(document.activeElement)) part("heading").focus({ preventScroll: true });
    act();
  };
  const shown = errorNotice(error, again);
  part("waiting")?.remove();
  showNotice(part("after"), shown);
  if (error.kind !== "lost") return;
  window.addEventListener("online", again, { once: true });
  const seconds = RESUME_DELAYS[exchange.losses++];
  if (seconds && navigator.onLine) setTimeout(again, seconds * 1000);
}

export function showStopped({ part }, act) {
  part("waiting")?.remove();
  const again = { label: strings.askAgain, act: () => run || act() };
  part("after").replaceChildren(notice({ title: strings.stoppedTitle, again }));
}

/** Replace the answer by an empty one. */
export function resetAnswer({ part }) {
  const fresh = clone("exchange-template").part("answer");
  part("answer").replaceWith(fresh);
  return fresh;
}

function send(exchange) {
  showWaiting(exchange, strings.searching);
  setUnsent(isStored(exchange) ? "" : exchange.question);
  return follow(exchange, async (signal, modules) => {
    const current = run;
    current.isHeld = true;
    await untilRead(signal, modules); // no answer is paid for that can't be shown
    current.isHeld = false;
    if (run === current) setUnsent("");
    return call(STREAM, { method: "POST", body: bodyOf(exchange), signal });
  });
}

/**
 * The body of the AI SDK: the page itself names conversation and question, so that both can be told before the server
 * replies. A question that is sent again without a reply to the first attempt takes the place of its own by its id, if it
 * has arrived and nothing was asked since, in another tab for instance.
 */
function bodyOf(exchange) {
  const { question, messageId, isKnown, isEdited } = exchange;
  exchange.messageId ??= newId();
  const message = { id: exchange.messageId, role: "user", parts: [{ type: "text", text: question }] };
  const trigger = isEdited ? "submit-message" : "regenerate-message";
  const replaces = messageId && (isKnown || isEdited);
  return { id: id ?? idOfNew, ...(replaces && { messageId, trigger }), messages: [message] };
}

/** A random id, also for a page without HTTPS. */
function newId() {
  return [...crypto.getRandomValues(new Uint32Array(4))].map((number) => number.toString(36)).join("-");
}

function showLoading() {
  const { part } = clone("exchange-template");
  showWaiting({ part }, strings.loading);
  onlyItem().append(part("waiting"));
  announce(strings.loading);
}

async function showMessages(messages, Answer) {
  exchanges.replaceChildren();
  const last = messages.reduce((exchange, message) => addMessage(exchange, message, Answer), null);
  last?.node.scrollIntoView({ block: "start" });
  if (!document.activeElement?.matches("textarea, input")) last?.part("heading").focus({ preventScroll: true });
  if (last && !last.answered) await resume(last);
}

/** Resume an interrupted answer: follow its stream, else show the stored message. */
function resume(exchange) {
  showWaiting(exchange, strings.resuming);
  return follow(exchange, (signal) => call(`${urlOf(id)}/stream`, { signal }), { resumes: true });
}

/** Show an answer while it arrives, from the response of `request(signal)`; no other can begin meanwhile. */
async function follow(exchange, request, { resumes = false } = {}) {
  const current = { controller: new AbortController(), stopped: false, isHeld: false };
  run = current;
  notifyChange();
  try {
    await receive(exchange, request, current, resumes);
  } finally {
    if (run === current) {
      run = null; // also if the answer can't be drawn: the next question can be asked
      notifyChange();
    }
  }
}

export function loadModules() {
  return Promise.all([import("./stream.js"), import("./answer.js")]).catch(() => {
    throw unloaded();
  });
}

async function receive(exchange, request, current, resumes) {
  const { signal } = current.controller;
  let answer;
  try {
    const modules = loadModules();
    const [response, [{ parts }, { Answer }]] = await Promise.all([request(signal, modules), modules]);
    for await (const part of response.status === 200 ? parts(response, signal) : []) {
      if (run !== current) break;
      if (resumes && !answer && part.messageId !== exchange.messageId) break; // the answer to a later question
      answer ??= new Answer(resetAnswer(exchange));
      handlePart(part, answer);
      current.messageId = answer.id;
      if (answer.id) Object.assign(exchange, { messageId: answer.id, isKnown: true, isEdited: false });
    }
    if (run === current && !answer) await showStored(exchange, Answer, signal);
    if (run === current) announce(strings.answerComplete);
    exchange.losses = 0;
  } catch (error) {
    if (run === current && !current.stopped) showFailure(exchange, error, resumes || (answer?.id && id));
  }
  if (run !== current) return; // another conversation was opened
  answer?.close();
  if (current.stopped) showStopped(exchange, () => askAgain(exchange));
}

/** Show the stored answer of an exchange, whose `messageId` is that of the answer or of the question. */
async function showStored(exchange, Answer, signal) {
  const messages = await messagesOf(id, signal);
  const isOwn = (message, index) => [message.id, messages[index - 1]?.id].includes(exchange.messageId);
  const stored = messages.find((message, index) => message.role === "assistant" && isOwn(message, index));
  if (!stored || stored.status === "pending") throw new RequestError("interrupted");
  addMessage(exchange, stored, Answer);
}

/** Show why an answer failed, and what the person can do: one that the server knows can be resumed. */
function showFailure(exchange, error, isKnown) {
  const { kind } = error;
  if (isKnown && kind !== "interrupted") {
    const shown = kind === "offline" ? new RequestError("lost") : error;
    return showError(exchange, shown, () => resume(exchange));
  }
  if (!isStored(exchange)) setUnsent(exchange.question);
  showError(exchange, error, () => (kind === "unreadable" ? takeBack(exchange) : askAgain(exchange)));
}

const isStored = ({ isKnown, isEdited }) => isKnown && !isEdited;

function setUnsent(question) {
  unsent = question;
  saveDraft((document.hidden && composer.value.trim()) || question); // what is being written goes first
}

/** Ask a question again: in its place, or below those that followed, which would otherwise be replaced, too. */
function askAgain(exchange) {
  return exchange.node.nextElementSibling ? ask(exchange.question) : send(exchange);
}

/** Move a question back to the composer. */
function takeBack({ node, question }) {
  setUnsent("");
  node.remove();
  welcome.hidden = exchanges.childElementCount > 0;
  composer.value = question;
  composer.focus();
}

function handlePart(part, answer) {
  if (part.type === "text-delta" && !answer.text) announce(strings.answerStarts);
  adopt(part);
  answer.addPart(part);
}

/** Take over the id of a new conversation from its first answer. */
export function adopt(part) {
  if (id || !part.messageMetadata?.conversationId) return;
  id = part.messageMetadata.conversationId;
  window.history.replaceState(null, "", `#c-${encodeURIComponent(id)}`);
  notifyChange();
}

/** Add a message; return the exchange to which the next message may belong. */
function addMessage(exchange, message, Answer) {
  if (message.role === "user") return addExchange(message.text, { messageId: message.id, isDocument: Boolean(message.document) });
  if (message.status === "pending") return Object.assign(exchange, { messageId: message.id });
  Object.assign(new Answer(resetAnswer(exchange)), { isDocument: exchange.isDocument }).showMessage(message);
  if (message.status === "stopped" && !exchange.isDocument) showStopped(exchange, () => askAgain(exchange));
  return Object.assign(exchange, { answered: true });
}

/** All messages of a conversation, in order; without a network, those that are kept on the device. */
async function messagesOf(conversationId, signal) {
  const messages = [];
  let after = null;
  do {
    const page = await listPage("/api/chat/history", { conversationId, after }, signal).catch((error) => {
      if (!messages.length || navigator.onLine) throw error;
      return { items: [], next: null };
    });
    messages.push(...page.items);
    after = page.next;
  } while (after);
  return messages;
}

function onlyItem() {
  exchanges.replaceChildren(document.createElement("li"));
  return exchanges.firstElementChild;
}

function urlOf(conversationId) {
  return `/api/chat/${encodeURIComponent(conversationId)}`;
}

function notifyChange() {
  changes.dispatchEvent(new Event("change"));
}
