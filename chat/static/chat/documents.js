/** Analysis of a document: choose and upload it, show its facts (deadlines first) and the analysis. */

import { Answer } from "./answer.js";
import {
  addExchange,
  adopt,
  changes,
  currentId,
  holdUntil,
  isBusy,
  resetAnswer,
  scrollToQuestion,
  showError,
  showStopped,
  showWaiting,
  untilRead,
} from "./conversation.js";
import { longDate } from "./languages.js";
import { announce, clone, fill, headers, partsOf, setText, strings, RequestError } from "./page.js";
import { parts } from "./stream.js";

const dialog = document.getElementById("document");
const part = partsOf(dialog);
const form = part("form");
const question = document.getElementById("question");
const LONGEST_PAUSE = 45_000; // milliseconds without progress of the upload until it is given up
const megabytes = Number(form.elements.file.dataset.largest); // the server's limit

/** Open the dialog; `files` are given when they were dropped on the page, `text` when it is too long for a question. */
export function choose(files, text = "") {
  if (text) {
    form.reset(); // a file that was given up would be sent instead
    form.elements.pasted.value = text;
  }
  part("error").textContent = "";
  if (files) form.elements.file.files = files;
  showChosen();
  dialog.showModal();
}

form.elements.file.addEventListener("change", showChosen);

function showChosen() {
  setText(part("chosen"), form.elements.file.files[0]?.name ?? "");
}

part("cancel").addEventListener("click", () => dialog.close());

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const file = chosenFile();
  if (!file || file.size > megabytes * 1024 * 1024) {
    part("error").textContent = file ? fill(strings.documentTooLarge, { megabytes }) : strings.documentMissing;
    return;
  }
  const upload = new FormData();
  upload.set("file", file);
  upload.set("documentType", form.elements.documentType.value);
  if (form.elements.keep.checked) upload.set("keep", "true");
  if (!form.elements.file.files[0] && form.elements.pasted.value === question.value.trim()) {
    question.value = ""; // it is read as a document
    question.dispatchEvent(new Event("input"));
  }
  dialog.close();
  form.reset();
  showChosen();
  const exchange = addExchange(fill(strings.document, { name: file.name }), { isDocument: true });
  scrollToQuestion(exchange);
  begin(exchange, upload);
});

/** The file, or the pasted text as one; null when there is neither. */
function chosenFile() {
  const pasted = form.elements.pasted.value.trim();
  return form.elements.file.files[0] ?? (pasted && new File([pasted], strings.pastedText, { type: "text/plain" }));
}

/** Read the document; the next question follows one that is kept. */
function begin(exchange, upload) {
  const end = read(exchange, upload);
  if (upload.has("keep")) holdUntil(end);
}

/** Place a document into the conversation, whose id may yet come from the question or the documents before it. */
async function place(upload, signal) {
  await Promise.all([untilRead(signal), untilNamed(signal)]);
  if (signal.aborted) throw new RequestError("stopped");
  if (currentId()) upload.set("conversationId", currentId());
}

/** Wait until the first answer, if it is arriving, has given the conversation its id, or has ended. */
async function untilNamed(signal) {
  const changed = (resolve) => {
    changes.addEventListener("change", resolve, { once: true });
    signal.addEventListener("abort", resolve);
  };
  while (isBusy() && !currentId() && !signal.aborted) await new Promise(changed);
}

async function read(exchange, upload) {
  const { node: progress } = clone("progress-template");
  const controller = new AbortController();
  progress.querySelector("button").addEventListener("click", () => controller.abort());
  const stopOnEscape = ({ key }) => key === "Escape" && !document.querySelector("dialog[open]") && controller.abort();
  window.addEventListener("keydown", stopOnEscape);
  const stopWhenLeft = () => exchange.node.isConnected || controller.abort();
  changes.addEventListener("change", stopWhenLeft);
  showWaiting(exchange, strings.documentSending);
  exchange.part("waiting").after(progress);
  let answer;
  try {
    const onProgress = (share) => showProgress(exchange, progress.querySelector("progress"), share);
    if (upload.has("keep")) await place(upload, controller.signal);
    const response = await send(upload, onProgress, controller.signal);
    answer = Object.assign(new Answer(resetAnswer(exchange)), { isDocument: true });
    answer.part("status").textContent = strings.documentReading;
    for await (const received of parts(response, controller.signal)) handlePart(received, answer);
    announce(strings.answerComplete);
  } catch (error) {
    const again = () => begin(exchange, upload);
    if (controller.signal.aborted) showStopped(exchange, again);
    else showError(exchange, withoutResume(error), isUnreadable(error) ? () => choose() : again);
  } finally {
    window.removeEventListener("keydown", stopOnEscape);
    changes.removeEventListener("change", stopWhenLeft);
    progress.remove();
    answer?.close();
  }
}

function handlePart(received, answer) {
  if (answer.node.isConnected) adopt(received);
  if (received.type === "data-facts") showFacts(answer, received.data);
  else answer.addPart(received);
  if (received.type === "start" && !received.messageMetadata?.conversationId) answer.id = null; // stored nowhere
}

/** Upload; resolve with a streaming Response as soon as it begins, reject with a RequestError. */
function send(upload, onProgress, signal) {
  const request = new XMLHttpRequest(); // fetch has no upload progress
  const response = new Response(bodyOf(request));
  return new Promise((resolve, reject) => {
    let timer = 0;
    const wait = () => {
      clearTimeout(timer);
      timer = setTimeout(() => request.abort(), LONGEST_PAUSE);
    };
    wait();
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      wait();
      onProgress(loaded / total);
    });
    for (const target of [request, request.upload]) target.addEventListener("loadend", () => clearTimeout(timer));
    request.addEventListener("progress", () => request.status === 200 && resolve(response));
    request.addEventListener("load", () => (request.status === 200 ? resolve(response) : reject(errorOf(request))));
    request.addEventListener("loadend", () => reject(new RequestError("offline"))); // has no effect after resolve or reject
    signal.addEventListener("abort", () => request.abort());
    request.open("POST", "/api/chat/analyze-document");
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
    request.setRequestHeader("Accept", "text/event-stream");
    request.send(upload);
  });
}

/** The body of the response to an XMLHttpRequest, as a stream. */
function bodyOf(request) {
  const encoder = new TextEncoder();
  const cancelled = new AbortController();
  const untilCancelled = { signal: cancelled.signal };
  let position = 0;
  return new ReadableStream({
    start(body) {
      const enqueue = () => {
        body.enqueue(encoder.encode(request.responseText.slice(position)));
        position = request.responseText.length;
      };
      request.addEventListener("progress", enqueue, untilCancelled);
      request.addEventListener("loadend", () => body.close(), untilCancelled); // the [DONE] frame says whether it is complete
    },
    cancel: () => cancelled.abort(),
  });
}

/** Whether another document is needed. With `retryAfter`, the same one can be sent again later. */
function isUnreadable({ kind, retryAfter }) {
  return kind === "documentUnreadable" && !retryAfter;
}

/** An interrupted analysis can't be resumed; it is started again like after a network error. */
function withoutResume(error) {
  return error.kind === "lost" ? new RequestError("offline") : error;
}

/** The error of a rejected upload, with the server's text for the person. */
function errorOf(request) {
  const error = RequestError.of(request.status, (name) => request.getResponseHeader(name));
  const isProblem = request.getResponseHeader("Content-Type")?.includes("problem+json");
  const { detail, errors } = isProblem ? JSON.parse(request.responseText) : {};
  if (errors?.[0]?.code) return Object.assign(error, { kind: "documentUnreadable", text: detail });
  return error.kind === "unreadable" ? Object.assign(error, { kind: "documentUnreadable" }) : error;
}

function showProgress({ part }, bar, share) {
  if (share < 1) bar.value = share;
  else bar.removeAttribute("value"); // uploaded; the reading time is unknown
  if (share === 1) part("status").textContent = strings.documentReading;
}

function showFacts(answer, facts) {
  const rows = factRows(facts);
  if (!rows.length) return;
  const { node } = clone("facts-template");
  node.tBodies[0].append(...rows);
  answer.part("before").append(node);
}

/** The facts as table rows: dates (deadlines first), sender, amounts, references. */
function factRows({ dates, amounts, references, sender }) {
  return [
    ...dates.map((date) => row(date.kind, written(date))),
    ...(sender ? [row("sender", sender.name)] : []),
    ...amounts.map(({ text }) => row("amount", text)),
    ...references.map(({ kind, text }) => row(kind, text)),
  ];
}

function row(what, found) {
  const { node, part } = clone("fact-template");
  part("what").textContent = strings.facts[what];
  part("found").textContent = found;
  node.classList.toggle("deadline", what === "deadline");
  return node;
}

/** The day, with the period that it was counted from; without a day what stands in the letter. */
function written({ iso, text, basis, certain }) {
  if (!iso) return text;
  // A page that was opened before an update may lack the sentence.
  if (certain === false && strings.mayEndLater) return fill(strings.mayEndLater, { day: longDate(iso), period: text });
  return basis ? `${longDate(iso)} (${text})` : longDate(iso);
}
