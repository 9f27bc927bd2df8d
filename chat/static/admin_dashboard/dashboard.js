/** Refreshes the overview every ten seconds while the page is visible. */

const INTERVAL_MS = 10_000;

async function refresh() {
  const overview = document.getElementById("overview");
  if (document.hidden || overview.contains(document.activeElement)) return; // replacing it would lose the keyboard focus
  const response = await fetch(location.href, { redirect: "error", signal: AbortSignal.timeout(5000) }).catch(() => null);
  if (!response?.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.getElementById("overview");
  if (fresh) overview.replaceWith(document.adoptNode(fresh));
}

setInterval(refresh, INTERVAL_MS);
document.addEventListener("visibilitychange", refresh);
