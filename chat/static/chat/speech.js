/**
 * Reading aloud and dictation, for people who have chosen them. Loaded only then, or to choose. The voices are the
 * browser's; some browsers send what is dictated to their maker, which the dialog says.
 */

import { keepText, keptText, partsOf, showRemark, strings } from "./page.js";

const dialog = document.getElementById("voice");
const part = partsOf(dialog);
const question = document.getElementById("question");
const dictate = document.getElementById("dictate");
const Recognition = window.SpeechRecognition ?? window.webkitSpeechRecognition;
const fields = part("form").elements;
let listening = null; // the recognition in progress
let reading = null; // the button of the answer that is being read

/** Open the dialog in which both are chosen. */
export function choose() {
  dialog.showModal();
}

part("form").addEventListener("change", apply);
dictate.addEventListener("click", () => (listening ? listening.stop() : listen()));
document.getElementById("composer").addEventListener("submit", () => question.value || abort());
document.getElementById("exchanges").addEventListener("click", ({ target }) => {
  const button = target.closest('[data-action="read"]');
  if (button) button === reading ? speechSynthesis.cancel() : read(button);
});
window.addEventListener("pagehide", () => window.speechSynthesis?.cancel());

function apply() {
  const chosen = ["read", "dictate"].filter((name) => fields[name].checked).join(" ");
  document.documentElement.dataset.voice = chosen;
  keepText("localStorage", "voice", chosen);
  if (!fields.read.checked) window.speechSynthesis?.cancel();
}

function read(button) {
  speechSynthesis.cancel();
  const prose = button.closest(".answer").querySelector(".prose");
  reading = button;
  button.setAttribute("aria-pressed", "true");
  // Browsers stop within long texts: one utterance for each block.
  const utterances = [...prose.children].map((block) => new SpeechSynthesisUtterance(block.innerText.replace(/\[\d+\]/g, "")));
  const end = () => {
    button.setAttribute("aria-pressed", "false");
    if (reading === button) reading = null;
  };
  for (const utterance of utterances) {
    utterance.lang = prose.lang || document.documentElement.lang;
    utterance.onerror = end;
    speechSynthesis.speak(utterance);
  }
  if (utterances.length) utterances.at(-1).onend = end;
  else end();
}

function listen() {
  const recognition = (listening = new Recognition());
  recognition.lang = document.documentElement.lang === "en" ? "en-GB" : "fr-FR";
  recognition.continuous = true;
  const before = question.value && `${question.value.trimEnd()} `;
  recognition.onresult = ({ results }) => {
    if (listening !== recognition) return;
    question.value = before + [...results].map(([{ transcript }]) => transcript.trim()).join(" ");
    question.dispatchEvent(new Event("input"));
  };
  recognition.onerror = ({ error }) => {
    if (error !== "aborted" && error !== "no-speech") showRemark(strings.notHeard);
  };
  recognition.onend = () => {
    if (listening !== recognition) return;
    ended();
    question.focus();
  };
  dictate.setAttribute("aria-pressed", "true");
  recognition.start();
}

function ended() {
  listening = null;
  dictate.setAttribute("aria-pressed", "false");
}

/** Ignore what is still being understood: after the question was sent, it would write it again. */
function abort() {
  const recognition = listening;
  ended();
  recognition?.abort();
}

const chosen = keptText("localStorage", "voice").split(" ");
const supported = { read: "speechSynthesis" in window, dictate: Boolean(Recognition) };
for (const [name, isSupported] of Object.entries(supported)) {
  fields[name].checked = isSupported && chosen.includes(name);
  fields[name].disabled = !isSupported;
}
apply();
