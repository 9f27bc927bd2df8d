/** Shared by all modules: texts, templates, calls to the server, notices. */

/** The page's texts, in its language. */
export const strings = JSON.parse(document.getElementById("strings").textContent);
const language = document.documentElement.lang;

/** Fill in a text's `{placeholders}`. */
export function fill(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** Clone a template; `part(name)` finds its elements by `data-part`. */
export function clone(id) {
  const node = document.getElementById(id).content.firstElementChild.cloneNode(true);
  return { node, part: partsOf(node) };
}

export function partsOf(node) {
  return (name) => node.querySelector(`[data-part="${name}"]`);
}

/** Set an element's text; hide the element when the text is empty. */
export function setText(element, text) {
  element.textContent = text;
  element.hidden = !text;
}

const UNITS = { day: 86_400, hour: 3600, minute: 60, second: 1 };

/** A time, in seconds from now, in words: "dans 2 minutes", "il y a 3 heures", "maintenant". Rounded towards later. */
export function relativeTime(seconds) {
  const [unit, length] = Object.entries(UNITS).find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
  const numeric = unit === "second" ? "auto" : "always"; // a day is 24 hours here, not yesterday
  const words = new Intl.RelativeTimeFormat(language, { numeric }).format(Math.ceil(seconds / length), unit);
  return words.replace(/(\d) /, "$1\u00a0");
}

/** Announce a sentence to screen readers, within an open dialog: nothing else is read then. */
export function announce(sentence) {
  const announcer = document.getElementById("announcer");
  const place = [...document.querySelectorAll("body, dialog[open]")].at(-1);
  if (announcer.parentElement !== place) place.append(announcer);
  announcer.textContent = sentence;
}

export function showRemark(sentence) {
  setText(document.getElementById("remark"), sentence);
  announce(sentence);
}

/** The text kept under this name in "localStorage" or "sessionStorage"; "" where the browser forbids to keep any. */
export function keptText(storage, name) {
  try {
    return window[storage].getItem(name) ?? "";
  } catch {
    return "";
  }
}

export function keepText(storage, name, text) {
  try {
    if (text) window[storage].setItem(name, text);
    else window[storage].removeItem(name);
  } catch {
    // The page works without.
  }
}

/** Save a question across a reload of the page. */
export const saveDraft = (question) => keepText("sessionStorage", "draft", question);
export function takeSavedDraft() {
  const question = keptText("sessionStorage", "draft");
  saveDraft("");
  return question;
}

/** Whether a key belongs to an input method. Safari's Enter that ends a composition is known by its code alone. */
export const isComposing = (event) => event.isComposing || event.keyCode === 229;

/** Whether the keyboard is on the screen: it is then closed, because it would cover the answer. */
export const onTouch = window.matchMedia("(pointer: coarse)").matches;

const LONGEST_WAIT = 25_000; // milliseconds until a response begins
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
 * A failed call. `kind` says what the person can do: `offline` wait for the network, `lost` resume, `tooFast` wait,
 * `unreadable` change the message, `expired` and `unloaded` reload, `gone` start a new conversation, `broken` try again.
 * `retryAfter` is in seconds; `text` is the server's text for the person, if any.
 */
export class RequestError extends Error {
  constructor(kind, { retryAfter = 0, reference = "", text = "" } = {}) {
    super(kind);
    Object.assign(this, { kind, retryAfter, reference, text });
  }

  static of(status, header) {
    return new RequestError(KINDS[status] ?? "broken", {
      retryAfter: Number.parseInt(header("Retry-After"), 10) || 0,
      reference: header("X-Correlation-ID") ?? "",
    });
  }
}

/** A script did not come: browsers before 2026 don't fetch it again until a reload. */
export const unloaded = () => new RequestError(navigator.onLine ? "unloaded" : "offline");
export const showUnloaded = () => showRemark(strings[`${unloaded().kind}Title`]);

/** The headers of every call. The language is sent because the page's may differ from the browser's. */
export function headers() {
  const token = document.cookie.match(/(?:^|; )(?:__Host-)?csrftoken=([^;]+)/)?.[1] ?? "";
  return { "Accept-Language": language, "X-CSRFToken": token };
}

/** Call the server and return a 2xx response; throws RequestError otherwise. `body` is sent as JSON. */
export async function call(path, { method = "GET", body, signal } = {}) {
  const controller = new AbortController();
  const abort = () => controller.abort(); // else it may arrive after what is tried again
  const request = { method, signal: controller.signal, headers: headers() };
  if (body) {
    request.headers["Content-Type"] = "application/json";
    request.body = JSON.stringify(body);
  }
  const timer = setTimeout(abort, LONGEST_WAIT);
  signal?.addEventListener("abort", abort);
  if (signal?.aborted) abort();
  const response = await fetch(path, request)
    .catch(() => {
      throw new RequestError("offline");
    })
    .finally(() => clearTimeout(timer));
  if (!response.ok) throw RequestError.of(response.status, (name) => response.headers.get(name));
  return response;
}

/** One page of a list: `{items, next}`. Null values are omitted from the query. */
export async function listPage(path, query, signal) {
  const present = Object.entries(query).filter(([, value]) => value !== null);
  return (await call(`${path}?${new URLSearchParams(present)}`, { signal })).json();
}

/** Show a new conversation, also in place of one that has no address of its own yet. */
export function startAnew() {
  if (window.location.hash === "#new") window.dispatchEvent(new Event("hashchange"));
  else window.location.hash = "new";
}

/** A notice beside an answer. `again` is `{label, act, after}`: a button that is enabled after `after` seconds. */
export function notice({ title = "", text = "", when = "", reference = "", again = null }) {
  const { node, part } = clone("notice-template");
  setText(part("title"), title);
  setText(part("text"), text);
  setText(part("when"), when);
  setText(part("reference"), reference && fill(strings.reference, { reference: shortReference(reference) }));
  if (again) setUpButton(part("again"), again, part("when"));
  return node;
}

/** The part of a correlation id that people are shown, as in observability/correlation.py. */
function shortReference(id) {
  return id.match(/^req-([0-9a-f]{8})-[0-9a-f-]{27}$/)?.[1] ?? id;
}

/** The notice for an error, with a button that calls `act` unless the kind of error has its own action. */
export function errorNotice(error, act) {
  const { kind, retryAfter, reference, text } = error instanceof RequestError ? error : new RequestError("broken");
  const labels = {
    lost: strings.resume,
    interrupted: strings.askAgain,
    unreadable: strings.edit,
    expired: strings.reload,
    unloaded: strings.reload,
    gone: strings.startAnew,
    documentUnreadable: retryAfter ? strings.retry : strings.documentAnother,
  };
  const reload = () => window.location.reload();
  const acts = { expired: reload, unloaded: reload, gone: startAnew };
  return notice({
    title: strings[`${kind}Title`],
    text: text || strings[`${kind}Text`],
    when: retrySentence(retryAfter),
    reference,
    again: { label: labels[kind] ?? strings.retry, act: acts[kind] ?? act, after: retryAfter },
  });
}

export function showNotice(place, shown) {
  place.replaceChildren(shown);
  announce(shown.querySelector('[data-part="title"]').textContent);
}

/** "Vous pouvez réessayer dans 2 minutes.", or "" when the time is unknown. */
export function retrySentence(seconds) {
  return seconds ? fill(strings.when, { when: relativeTime(seconds) }) : "";
}

/** Set up the button; once it is enabled, the `when` element is hidden. */
function setUpButton(button, { label, act, after }, when) {
  button.textContent = label;
  button.hidden = false;
  button.disabled = after > 0;
  const enable = () => {
    button.disabled = false;
    setText(when, "");
  };
  if (after) setTimeout(enable, after * 1000);
  button.addEventListener("click", act);
}
