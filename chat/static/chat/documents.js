/** Reading a document: choosing it, sending it, showing what it says, its deadlines first. */

import { Answer } from "./answer.js";
import { addExchange, bringIntoView, freshAnswer, showStopped, showTrouble, wait } from "./conversation.js";
import { announce, clone, fill, headers, partsOf, say, strings, Trouble } from "./page.js";
import { parts } from "./stream.js";

const dialog = document.getElementById("document");
const part = partsOf(dialog);
const form = part("form");
const megabytes = Number(form.elements.file.dataset.largest); // the server's limit too

/** Ask which document, and what it is; `files` when it was dropped on the page. */
export function choose(files) {
  form.reset();
  part("trouble").textContent = "";
  if (files) form.elements.file.files = files;
  showChosen();
  dialog.showModal();
}

form.elements.file.addEventListener("change", showChosen);

function showChosen() {
  say(part("chosen"), form.elements.file.files[0]?.name ?? "");
}

part("cancel").addEventListener("click", () => dialog.close());

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const file = chosenFile();
  if (!file || file.size > megabytes * 1024 * 1024) {
    part("trouble").textContent = file ? fill(strings.documentTooLarge, { megabytes }) : strings.documentMissing;
    return;
  }
  const upload = new FormData();
  upload.set("file", file);
  upload.set("documentType", form.elements.documentType.value);
  dialog.close();
  const exchange = addExchange(fill(strings.document, { name: file.name }));
  bringIntoView(exchange);
  read(exchange, upload);
});

/** The file, or the pasted text as one; null when there is neither. */
function chosenFile() {
  const pasted = form.elements.pasted.value.trim();
  return form.elements.file.files[0] ?? (pasted && new File([pasted], strings.pastedText, { type: "text/plain" }));
}

async function read(exchange, upload) {
  const { node: progress } = clone("progress-template");
  const controller = new AbortController();
  progress.querySelector("button").addEventListener("click", () => controller.abort());
  wait(exchange, strings.documentSending);
  exchange.part("waiting").after(progress);
  let answer;
  try {
    const sent = (share) => showProgress(exchange, progress.querySelector("progress"), share);
    const response = await send(upload, sent, controller.signal);
    answer = new Answer(freshAnswer(exchange));
    answer.part("status").textContent = strings.documentReading;
    for await (const each of parts(response, controller.signal)) take(each, answer);
    announce(strings.answerComplete);
  } catch (trouble) {
    const again = () => read(exchange, upload);
    if (controller.signal.aborted) showStopped(exchange, again);
    else showTrouble(exchange, troubleFor(trouble), isUnreadable(trouble) ? () => choose() : again);
  } finally {
    progress.remove();
    answer?.close();
  }
}

function take(each, answer) {
  if (each.type === "data-facts") showFacts(answer, each.data);
  else answer.take(each);
}

/** The response as soon as it begins, its body arriving; raises a Trouble when there is none. */
function send(upload, sent, signal) {
  const request = new XMLHttpRequest(); // fetch can't tell how much has been sent
  const response = new Response(bodyOf(request));
  return new Promise((resolve, reject) => {
    request.upload.addEventListener("progress", ({ loaded, total }) => sent(loaded / total));
    request.addEventListener("progress", () => request.status === 200 && resolve(response));
    request.addEventListener("load", () => (request.status === 200 ? resolve(response) : reject(troubleOf(request))));
    request.addEventListener("loadend", () => reject(new Trouble("offline"))); // unless one of these came before
    signal.addEventListener("abort", () => request.abort());
    request.open("POST", "/api/chat/analyze-document");
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
    request.setRequestHeader("Accept", "text/event-stream");
    request.send(upload);
  });
}

/** What arrives of an answer to a request, as it arrives. */
function bodyOf(request) {
  const encoder = new TextEncoder();
  const wanted = new AbortController();
  const whileWanted = { signal: wanted.signal };
  let taken = 0;
  return new ReadableStream({
    start(body) {
      const take = () => {
        body.enqueue(encoder.encode(request.responseText.slice(taken)));
        taken = request.responseText.length;
      };
      request.addEventListener("progress", take, whileWanted);
      request.addEventListener("loadend", () => body.close(), whileWanted); // the last words say whether it was whole
    },
    cancel: () => wanted.abort(),
  });
}

/** Whether another document is needed; a reading that was only put off can be asked for again. */
function isUnreadable({ kind, retryAfter }) {
  return kind === "documentUnreadable" && !retryAfter;
}

/** A document that was cut off is read anew: there is nothing to resume. */
function troubleFor(trouble) {
  return trouble.kind === "lost" ? new Trouble("offline") : trouble;
}

/** Why a document was refused; the server says it in words for the person. */
function troubleOf(request) {
  const trouble = Trouble.of(request.status, (name) => request.getResponseHeader(name));
  const isProblem = request.getResponseHeader("Content-Type")?.includes("problem+json");
  const { detail, errors } = isProblem ? JSON.parse(request.responseText) : {};
  return errors?.[0]?.code ? Object.assign(trouble, { kind: "documentUnreadable", text: detail }) : trouble;
}

function showProgress({ part }, bar, share) {
  if (share < 1) bar.value = share;
  else bar.removeAttribute("value"); // sent: nobody can tell how long reading takes
  if (share === 1) part("status").textContent = strings.documentReading;
}

function showFacts(answer, facts) {
  const rows = factRows(facts);
  if (!rows.length) return;
  const { node } = clone("facts-template");
  node.tBodies[0].append(...rows);
  answer.part("before").append(node);
}

/** What was found, as rows: dates, deadlines first among them, then who writes, amounts and references. */
function factRows({ dates, amounts, references, sender }) {
  return [
    ...dates.map(({ kind, iso, text }) => row(kind, iso ? longDate(iso) : text)),
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

/** "samedi 15 mai 2027"; in French the first of a month is the "1er". */
function longDate(iso) {
  const inFrench = document.documentElement.lang !== "en";
  const locale = inFrench ? "fr-FR" : "en-GB"; // both as they are written in Europe
  const date = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeZone: "UTC" }).format(new Date(iso));
  return (inFrench ? date.replace(/ 1 /, " 1er ") : date).replace(/(\d\S*) (?=\p{L})/u, "$1\u00a0");
}
