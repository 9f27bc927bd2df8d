/** Refreshes the breakers' page every two seconds while it is visible. */

const page = document.getElementById("breakers");
const part = (name) => page.querySelector(`[data-part="${name}"]`);
const INTERVAL_MS = 2000;
const TIMEOUT_MS = 5000;

const probes = new Map(); // countdown element → its end, on the clock of performance.now()
let timer;

async function refresh() {
  try {
    const response = await fetch(page.dataset.url, { redirect: "error", signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok) throw new Error(response.statusText);
    showState(await response.json());
    part("no-response").hidden = true;
  } catch {
    part("no-response").hidden = false;
  }
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(refresh, INTERVAL_MS);
}

function showState({ at, shared, breakers }) {
  part("at").textContent = at;
  part("redis-unavailable").hidden = shared;
  probes.clear();
  for (const breaker of breakers) showBreaker(document.getElementById(breaker.name), breaker);
}

function showBreaker(section, breaker) {
  section.dataset.state = breaker.state;
  section.querySelector("meter").value = breaker.failing;
  show(section.querySelectorAll("header [data-field], dl [data-field]"), breaker);
  if (breaker.next_probe_in) {
    probes.set(section.querySelector("[data-field=next_probe]"), performance.now() + breaker.next_probe_in * 1000);
  }
  if (section.dataset.version === breaker.version) return;
  section.dataset.version = breaker.version;
  section.querySelector("tbody").replaceChildren(...breaker.history.map(transitionRow));
}

function transitionRow(transition) {
  const copy = document.getElementById("transition").content.cloneNode(true);
  show(copy.querySelectorAll("[data-field]"), transition);
  return copy;
}

function show(elements, texts) {
  for (const element of elements) {
    const text = texts[element.dataset.field];
    if (element.textContent !== text) element.textContent = text; // writing an unchanged text would lose the selection
    if (element.matches(".forced")) element.hidden = !text;
  }
}

function countDown() {
  if (document.hidden) return;
  for (const [element, end] of probes) {
    const seconds = Math.max(1, Math.ceil((end - performance.now()) / 1000));
    const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    element.textContent = page.dataset.countdown.replace("{time}", time);
  }
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (!document.hidden) refresh();
});
setInterval(countDown, 1000);
refresh();
