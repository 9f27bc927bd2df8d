/** Keeps the first page current: asks for it again every ten seconds, and not at all while nobody looks at it. */

const EVERY = 10_000;

async function refresh() {
  const desk = document.getElementById("desk");
  if (document.hidden || desk.contains(document.activeElement)) return; // nobody's place is taken away
  const response = await fetch(location.href, { redirect: "error", signal: AbortSignal.timeout(5000) }).catch(() => null);
  if (!response?.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.getElementById("desk");
  if (fresh) desk.replaceWith(document.adoptNode(fresh));
}

setInterval(refresh, EVERY);
document.addEventListener("visibilitychange", refresh);
