/** What every part of the page stands on: its words, its templates, its calls to the server, and its notices. */

/** The page's sentences, in its language. */
export const strings = JSON.parse(document.getElementById("strings").textContent);
const language = document.documentElement.lang;

/** A sentence with its `{gaps}` filled in. */
export function fill(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** A copy of a template, and a function that finds its parts (`data-part`) by name. */
export function clone(id) {
  const node = document.getElementById(id).content.firstElementChild.cloneNode(true);
  return { node, part: partsOf(node) };
}

export function partsOf(node) {
  return (name) => node.querySelector(`[data-part="${name}"]`);
}

/** Put a text in its place, and hide the place when there is nothing to say. */
export function say(place, text) {
  place.textContent = text;
  place.hidden = !text;
}

const UNITS = { day: 86_400, hour: 3600, minute: 60, second: 1 };

/** A moment, in seconds from now, as people say it: "dans 2 minutes", "il y a 3 heures", "maintenant". */
export function fromNow(seconds) {
  const [unit, length] = Object.entries(UNITS).find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
  const words = new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(Math.round(seconds / length), unit);
  return words.replace(/(\d) /, "$1\u00a0");
}

/** Tell a screen reader, once. */
export function announce(sentence) {
  document.getElementById("announcer").textContent = sentence;
}

/** A question that is not lost when the page is loaded again. */
export const keepDraft = (question) => window.sessionStorage.setItem("draft", question);
export function takeDraft() {
  const question = window.sessionStorage.getItem("draft") ?? "";
  window.sessionStorage.removeItem("draft");
  return question;
}

/** Whether the keyboard is on the screen: then it is put away rather than kept open over the answer. */
export const onTouch = window.matchMedia("(pointer: coarse)").matches;

const KINDS = {
  400: "unreadable",
  401: "expired",
  403: "expired",
  404: "gone",
  413: "unreadable",
  422: "unreadable",
  429: "tooFast",
};

/**
 * Why a call failed, by what the person can do about it: `offline` wait for the network, `lost` resume, `tooFast` wait,
 * `unreadable` change the message, `expired` reload, `broken` try again. `retryAfter` is in seconds; `text` is what the
 * server says to the person, where it does.
 */
export class Trouble extends Error {
  constructor(kind, { retryAfter = 0, reference = "", text = "" } = {}) {
    super(kind);
    Object.assign(this, { kind, retryAfter, reference, text });
  }

  /** The trouble that a refusal means; `header` reads one of its headers. */
  static of(status, header) {
    return new Trouble(KINDS[status] ?? "broken", {
      retryAfter: Number.parseInt(header("Retry-After"), 10) || 0,
      reference: header("X-Correlation-ID") ?? "",
    });
  }
}

/** The headers of every call: the page's language may not be the browser's. */
export function headers() {
  const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";
  return { "Accept-Language": language, "X-CSRFToken": token };
}

/** The response of a call that went well; raises Trouble otherwise. `body` is sent as JSON. */
export async function call(path, { method = "GET", body, signal } = {}) {
  const request = { method, signal, headers: headers() };
  if (body) {
    request.headers["Content-Type"] = "application/json";
    request.body = JSON.stringify(body);
  }
  const response = await fetch(path, request).catch(() => {
    throw new Trouble("offline");
  });
  if (!response.ok) throw Trouble.of(response.status, (name) => response.headers.get(name));
  return response;
}

/** One page of a list: `{items, next}`. A query value that is null is left out. */
export async function listPage(path, query) {
  const known = Object.entries(query).filter(([, value]) => value !== null);
  return (await call(`${path}?${new URLSearchParams(known)}`)).json();
}

/** Something said beside an answer. `again` is `{label, act, after}`: a button that opens up after so many seconds. */
export function notice({ title = "", text = "", when = "", reference = "", again = null }) {
  const { node, part } = clone("notice-template");
  say(part("title"), title);
  say(part("text"), text);
  say(part("when"), when);
  say(part("reference"), reference && fill(strings.reference, { reference }));
  if (again) offer(part("again"), again, part("when"));
  return node;
}

/** What is said when something failed, with the way out of it: `act`. */
export function noticeOfTrouble(trouble, act) {
  const { kind, retryAfter, reference, text } = trouble instanceof Trouble ? trouble : new Trouble("broken");
  const labels = {
    lost: strings.resume,
    interrupted: strings.askAgain,
    unreadable: strings.edit,
    expired: strings.reload,
    gone: strings.startAnew,
  };
  const acts = { expired: () => window.location.reload(), gone: () => (window.location.hash = "new") };
  return notice({
    title: strings[`${kind}Title`],
    text: text || strings[`${kind}Text`],
    when: whenToRetry(retryAfter),
    reference,
    again: { label: labels[kind] ?? strings.retry, act: acts[kind] ?? act, after: retryAfter },
  });
}

/** "Vous pouvez réessayer dans 2 minutes.", or nothing when nobody can tell. */
export function whenToRetry(seconds) {
  return seconds ? fill(strings.when, { when: fromNow(seconds) }) : "";
}

/** `when` says when the button opens up, until it does. */
function offer(button, { label, act, after }, when) {
  button.textContent = label;
  button.hidden = false;
  button.disabled = after > 0;
  const open = () => {
    button.disabled = false;
    say(when, "");
  };
  if (after) setTimeout(open, after * 1000);
  button.addEventListener("click", act);
}
