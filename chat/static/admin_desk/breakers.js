/** Keeps the breakers' page current: asks every two seconds, and not at all while nobody looks at it. */

const page = document.getElementById("breakers");
const part = (name) => page.querySelector(`[data-part="${name}"]`);
const EVERY = 2000;
const GIVE_UP = 5000;

const probes = new Map(); // place of a countdown → when it ends, on the page's clock
let timer;

async function refresh() {
  try {
    const response = await fetch(page.dataset.url, { redirect: "error", signal: AbortSignal.timeout(GIVE_UP) });
    if (!response.ok) throw new Error(response.statusText);
    showState(await response.json());
    part("silent").hidden = true;
  } catch {
    part("silent").hidden = false;
  }
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(refresh, EVERY);
}

function showState({ at, shared, cards }) {
  part("at").textContent = at;
  part("away").hidden = shared;
  probes.clear();
  for (const card of cards) showCard(document.getElementById(card.name), card);
}

function showCard(place, card) {
  place.dataset.state = card.state;
  place.querySelector("meter").value = card.failing;
  show(place.querySelectorAll("header [data-show], dl [data-show]"), card);
  if (card.next_probe_in) {
    probes.set(place.querySelector("[data-show=next_probe]"), performance.now() + card.next_probe_in * 1000);
  }
  if (place.dataset.version === card.version) return;
  place.dataset.version = card.version;
  place.querySelector("tbody").replaceChildren(...card.history.map(row));
}

function row(change) {
  const copy = document.getElementById("change").content.cloneNode(true);
  show(copy.querySelectorAll("[data-show]"), change);
  return copy;
}

function show(places, texts) {
  for (const place of places) {
    const text = texts[place.dataset.show];
    if (place.textContent !== text) place.textContent = text; // a reader's selection survives what didn't change
    if (place.matches(".forced")) place.hidden = !text;
  }
}

function countDown() {
  if (document.hidden) return;
  for (const [place, ends] of probes) {
    const seconds = Math.max(1, Math.ceil((ends - performance.now()) / 1000));
    const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    place.textContent = page.dataset.countdown.replace("{time}", time);
  }
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (!document.hidden) refresh();
});
setInterval(countDown, 1000);
refresh();
