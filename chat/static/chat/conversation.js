/** The conversation on the screen: asking, following the answer, stopping it, taking it up again, opening another. */

import {
  announce,
  call,
  clone,
  keepDraft,
  listPage,
  notice,
  noticeOfTrouble,
  onTouch,
  strings,
  Trouble,
} from "./page.js";

const STREAM = "/api/chat/stream";
/** Seconds before an answer that was lost while the network is there is taken up again: a server that restarts. */
const WAITS = [1, 3, 6, 12];
const exchanges = document.getElementById("exchanges");
const composer = document.getElementById("question");
const welcome = document.getElementById("welcome");

/** Dispatches `change` when an answer begins or ends, and when the conversation gets its id. */
export const changes = new EventTarget();

let id = null;
let run = null; // the answer that is arriving: {controller, stopped}
let opening = false;

export const currentId = () => id;
export const isBusy = () => run !== null;
export const canAsk = () => !run && !opening;

/** Ask a question and follow its answer to the end. */
export async function ask(question) {
  const exchange = addExchange(question);
  bringIntoView(exchange);
  await send(exchange);
}

/** End the answer for everyone who follows it; what has been said stays. */
export async function stop() {
  const { controller } = run;
  run.stopped = true;
  if (!id) return controller.abort();
  setTimeout(() => controller.abort(), 1500); // normally the stream ends before, by itself
  await call(`${addressOf(id)}/stop`, { method: "POST" }).catch(() => controller.abort());
}

/** Show an earlier conversation, with the answer that is still arriving in it, if any. */
export async function open(conversationId) {
  clear();
  id = conversationId;
  welcome.hidden = true;
  showLoading();
  changed();
  opening = true;
  try {
    const [messages, { Answer }] = await Promise.all([messagesOf(conversationId), import("./answer.js")]);
    if (id === conversationId) await showMessages(messages, Answer);
  } catch (trouble) {
    if (id === conversationId) exchanges.replaceChildren(inList(noticeOfTrouble(trouble, () => open(conversationId))));
  } finally {
    opening = false;
  }
}

/** An empty page. An answer that is arriving goes on without us, and is found again in its conversation. */
export function clear() {
  run?.controller.abort();
  run = id = null;
  exchanges.replaceChildren();
  welcome.hidden = false;
  changed();
}

/** A question, or what stands for one, with an empty answer under it. */
export function addExchange(question) {
  const { node, part } = clone("exchange-template");
  part("question").textContent = question;
  exchanges.append(node);
  welcome.hidden = true;
  return { node, part, question, answered: false, losses: 0 };
}

/** Show the question at the top. It takes the focus from what is gone, and from a keyboard that covers the answer. */
export function bringIntoView({ node, part }) {
  node.scrollIntoView({ block: "start" });
  if (onTouch || !document.activeElement?.matches("textarea")) part("heading").focus({ preventScroll: true });
}

/** Say under a question that its answer is awaited. */
export function wait({ part }, sentence) {
  if (!part("waiting")) part("after").replaceChildren(clone("exchange-template").part("waiting"));
  part("status").textContent = sentence;
}

/** Say what failed under a question; `act` tries again, when asked to. A lost answer is taken up without being asked. */
export function showTrouble(exchange, trouble, act) {
  const { part } = exchange;
  const again = () => {
    if (run || !said.isConnected) return;
    if (said.contains(document.activeElement)) part("heading").focus({ preventScroll: true }); // its button is about to go
    act();
  };
  const said = noticeOfTrouble(trouble, again);
  part("waiting")?.remove();
  part("after").replaceChildren(said);
  announce(said.querySelector('[data-part="title"]').textContent);
  if (trouble.kind !== "lost") return;
  window.addEventListener("online", again, { once: true });
  const seconds = WAITS[exchange.losses++];
  if (seconds && navigator.onLine) setTimeout(again, seconds * 1000);
}

/** Say that the answer was stopped; `act` asks for it again. */
export function showStopped({ part }, act) {
  part("waiting")?.remove();
  const again = { label: strings.askAgain, act: () => run || act() };
  part("after").replaceChildren(notice({ title: strings.stoppedTitle, again }));
}

/** An empty answer in the place of the one that was there. */
export function freshAnswer({ part }) {
  const fresh = clone("exchange-template").part("answer");
  part("answer").replaceWith(fresh);
  return fresh;
}

function send(exchange) {
  wait(exchange, strings.searching);
  const body = { message: exchange.question, ...(id && { conversationId: id }) };
  return follow(exchange, (signal) => call(STREAM, { method: "POST", body, signal }));
}

function showLoading() {
  const { part } = clone("exchange-template");
  wait({ part }, strings.loading);
  exchanges.replaceChildren(inList(part("waiting")));
}

async function showMessages(messages, Answer) {
  exchanges.replaceChildren();
  const last = messages.reduce((exchange, message) => addMessage(exchange, message, Answer), null);
  last?.node.scrollIntoView({ block: "start" });
  if (last && !last.answered) await resume(last);
}

/** Take up an answer that was cut off: what is still arriving of it, else what was kept of it. */
async function resume(exchange) {
  wait(exchange, strings.resuming);
  try {
    const response = await call(`${addressOf(id)}/stream`);
    if (!exchange.node.isConnected) return; // another conversation is on the screen
    if (response.status === 200) return follow(exchange, () => response);
    const kept = (await messagesOf(id)).at(-1);
    const { Answer } = await import("./answer.js");
    if (kept?.role === "assistant") addMessage(exchange, kept, Answer);
    if (!exchange.answered) throw new Trouble("interrupted");
    announce(strings.answerComplete);
  } catch (failure) {
    const trouble = failure.kind === "offline" ? new Trouble("lost") : failure;
    showTrouble(exchange, trouble, () => (trouble.kind === "interrupted" ? send(exchange) : resume(exchange)));
  }
}

/** Show an answer as it arrives, from the response that `request(signal)` gives, to its end. */
async function follow(exchange, request) {
  const own = { controller: new AbortController(), stopped: false };
  const { signal } = own.controller;
  run = own;
  changed();
  let answer;
  try {
    const modules = [import("./stream.js"), import("./answer.js")];
    const [response, { parts }, { Answer }] = await Promise.all([request(signal), ...modules]);
    answer = new Answer(freshAnswer(exchange));
    for await (const part of parts(response, signal)) {
      if (run !== own) break;
      take(part, answer);
    }
    if (run === own) announce(strings.answerComplete);
    exchange.losses = 0;
  } catch (trouble) {
    if (run === own && !own.stopped) showTrouble(exchange, trouble, wayOut(exchange, trouble, answer));
  }
  if (run !== own) return; // another conversation is on the screen
  answer?.close();
  if (own.stopped) showStopped(exchange, () => send(exchange));
  run = null;
  changed();
}

function wayOut(exchange, { kind }, answer) {
  if (kind === "unreadable") return () => edit(exchange);
  if (kind === "expired") keepDraft(exchange.question);
  return () => (answer?.id && id ? resume(exchange) : send(exchange));
}

/** Give a question back to the composer. */
function edit({ node, question }) {
  node.remove();
  welcome.hidden = exchanges.childElementCount > 0;
  composer.value = question;
  composer.focus();
}

function take(part, answer) {
  if (part.type === "text-delta" && !answer.text) announce(strings.answerStarts);
  if (!id && part.messageMetadata?.conversationId) {
    id = part.messageMetadata.conversationId;
    window.history.replaceState(null, "", `#c-${encodeURIComponent(id)}`);
    changed();
  }
  answer.take(part);
}

/** Add a message to its exchange; returns the exchange that the next one may belong to. */
function addMessage(exchange, message, Answer) {
  if (message.role === "user") return addExchange(message.text);
  if (message.status === "pending") return exchange;
  new Answer(freshAnswer(exchange)).takeMessage(message);
  if (message.status === "stopped") showStopped(exchange, () => send(exchange));
  return Object.assign(exchange, { answered: true });
}

/** All messages of a conversation, in order. */
async function messagesOf(conversationId) {
  const messages = [];
  let after = null;
  do {
    const page = await listPage("/api/chat/history", { conversationId, after });
    messages.push(...page.items);
    after = page.next;
  } while (after);
  return messages;
}

function inList(node) {
  const item = document.createElement("li");
  item.append(node);
  return item;
}

function addressOf(conversationId) {
  return `/api/chat/${encodeURIComponent(conversationId)}`;
}

function changed() {
  changes.dispatchEvent(new Event("change"));
}
