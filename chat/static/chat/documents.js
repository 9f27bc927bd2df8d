/** Reading a document: choosing it, sending it, showing what it says, its deadlines first. */

import { Answer } from "./answer.js";
import { addExchange, bringIntoView, freshAnswer, showStopped, showTrouble, wait } from "./conversation.js";
import { announce, clone, fill, headers, partsOf, strings, Trouble } from "./page.js";

const dialog = document.getElementById("document");
const part = partsOf(dialog);
const form = part("form");
const megabytes = Number(form.elements.file.dataset.largest); // the server's limit too

/** Ask which document, and what it is; `files` when it was dropped on the page. */
export function choose(files) {
  form.reset();
  part("trouble").textContent = "";
  if (files) form.elements.file.files = files;
  dialog.showModal();
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
  const request = new XMLHttpRequest(); // fetch can't tell how much has been sent
  progress.querySelector("button").addEventListener("click", () => request.abort());
  wait(exchange, strings.documentSending);
  exchange.part("waiting").after(progress);
  try {
    const sent = (share) => showProgress(exchange, progress.querySelector("progress"), share);
    show(exchange, await send(request, upload, sent));
  } catch (trouble) {
    if (!trouble) showStopped(exchange, () => read(exchange, upload));
    else showTrouble(exchange, trouble, isUnreadable(trouble) ? () => choose() : () => read(exchange, upload));
  } finally {
    progress.remove();
  }
}

/** The reading of a document; rejected with a Trouble, or with nothing when the person gave up. */
function send(request, upload, sent) {
  return new Promise((resolve, reject) => {
    request.upload.addEventListener("progress", ({ loaded, total }) => sent(loaded / total));
    request.addEventListener("abort", () => reject(null));
    request.addEventListener("error", () => reject(new Trouble("offline")));
    request.addEventListener("load", () => {
      if (request.status === 200) resolve(request.response);
      else reject(troubleOf(request));
    });
    request.open("POST", "/api/chat/analyze-document");
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
    request.responseType = "json";
    request.send(upload);
  });
}

/** Whether another document is needed; a reading that was only put off can be asked for again. */
function isUnreadable({ kind, retryAfter }) {
  return kind === "documentUnreadable" && !retryAfter;
}

/** Why a document was refused; the server says it in words for the person. */
function troubleOf(request) {
  const trouble = Trouble.of(request.status, (name) => request.getResponseHeader(name));
  const refused = request.response?.errors?.[0]?.code;
  return refused ? Object.assign(trouble, { kind: "documentUnreadable", text: request.response.detail }) : trouble;
}

function showProgress({ part }, bar, share) {
  if (share < 1) bar.value = share;
  else bar.removeAttribute("value"); // sent: nobody can tell how long reading takes
  if (share === 1) part("status").textContent = strings.documentReading;
}

function show(exchange, { analysis, extractedData, suggestions, degraded }) {
  const answer = new Answer(freshAnswer(exchange));
  answer.takeMessage({ text: analysis, sources: [], suggestions, degraded, origin: degraded && "fallback" });
  const rows = factRows(extractedData);
  if (rows.length) {
    const { node } = clone("facts-template");
    node.tBodies[0].append(...rows);
    answer.part("before").append(node);
  }
  announce(strings.answerComplete);
}

/** What was found, as rows: dates, deadlines first among them, then amounts and references. */
function factRows({ dates, amounts, references }) {
  return [
    ...dates.map(({ label, iso, text }) => row(label || "date", iso ? longDate(iso) : text)),
    ...amounts.map(({ text }) => row("amount", text)),
    ...references.map(({ kind, text }) => row(kind || "reference", text)),
  ];
}

function row(what, found) {
  const { node, part } = clone("fact-template");
  part("what").textContent = strings.facts[what] ?? what;
  part("found").textContent = found;
  node.classList.toggle("deadline", what === "échéance");
  return node;
}

/** "samedi 15 mai 2027"; in French the first of a month is the "1er". */
function longDate(iso) {
  const inFrench = document.documentElement.lang !== "en";
  const locale = inFrench ? "fr-FR" : "en-GB"; // both as they are written in Europe
  const date = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeZone: "UTC" }).format(new Date(iso));
  return (inFrench ? date.replace(/ 1 /, " 1er ") : date).replace(/(\d\S*) (?=\p{L})/u, "$1\u00a0");
}
