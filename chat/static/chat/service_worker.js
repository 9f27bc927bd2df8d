/**
 * Keeps the page with its help lines, and the conversations that were opened last, readable without a network. The
 * network always comes first, so that nobody sees old files or texts while it answers; conversations are shown as they were
 * only if it fails, because they may have gone on. The server ends this file with a hash of the page's files: a new version
 * of any is a new worker, which keeps them all anew.
 */

const PAGE = "page"; // the page and its files
const PERSONAL = "personal"; // what belongs to one person: deleted with their data
const MOST_PERSONAL = 30; // responses
const MOST_DAYS = 30; // for which they are kept: the server's own RETENTION_DAYS may be longer
const PATIENCE = 4000; // milliseconds until a kept file is better than a slow one
const FILES = [
  "/",
  ...["style.css", "icon.svg", "manifest.webmanifest"].map(inFolder),
  ...["app", "conversation", "conversations", "conversation_actions", "page", "stream", "answer", "actions", "share", "markdown", "edit", "speech", "offline", "documents", "interim", "languages"]
    .map((name) => inFolder(`${name}.js`)),
];

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname, search } = new URL(request.url); // `search` is empty for a lone "?"
  if (origin !== self.location.origin) return;
  if (request.method === "DELETE" || pathname === "/api/chat/claim") event.respondWith(forgetAfter(request));
  if (request.method !== "GET") return;
  if (request.mode === "navigate" && pathname === "/") event.respondWith(networkFirst(event, PAGE, "/"));
  else if (pathname.startsWith("/static/chat/")) event.respondWith(networkFirst(event, PAGE, pathname));
  else if (/^\/api\/chat\/(conversations|history)$/.test(pathname)) {
    event.respondWith(networkFirst(event, PERSONAL, pathname + search));
  }
});

function inFolder(name) {
  return `/static/chat/${name}`;
}

async function install() {
  const cache = await caches.open(PAGE);
  await cache.addAll(FILES.map((file) => new Request(file, { cache: "reload" })));
  await self.skipWaiting();
}

/** The network's response, which is kept under `key`; if it fails, or a file does not come in time, what was kept. */
async function networkFirst(event, name, key) {
  const cache = await caches.open(name);
  const fresh = fetch(event.request).then((response) => {
    // It does not wait until it is kept, and is as good if it can't be, as on a full device.
    event.waitUntil(keep(cache, name, key, response.clone()).catch(() => {}));
    return response;
  });
  event.waitUntil(fresh.catch(() => {}));
  if (name === PERSONAL) await deleteOld(cache);
  const kept = await cache.match(key, { ignoreVary: true });
  if (!kept) return fresh;
  return (name === PAGE ? Promise.race([fresh, later(kept)]) : fresh).catch(() => kept);
}

async function keep(cache, name, key, response) {
  if ([401, 403, 404, 410].includes(response.status)) return cache.delete(key); // it is this person's no more
  if (!response.ok) return;
  await cache.put(key, response); // the newest is last
  if (name !== PERSONAL) return;
  const keys = await cache.keys();
  await Promise.all(keys.slice(0, -MOST_PERSONAL).map((old) => cache.delete(old)));
}

async function deleteOld(cache) {
  const oldest = Date.now() - MOST_DAYS * 24 * 3600 * 1000;
  for (const key of await cache.keys()) {
    const response = await cache.match(key);
    if (response && !(Date.parse(response.headers.get("Date")) >= oldest)) await cache.delete(key);
  }
}

function later(response) {
  return new Promise((resolve) => setTimeout(() => resolve(response), PATIENCE));
}

/** The server deletes data of this person, or gives it to another account: nothing of it stays on the device. */
async function forgetAfter(request) {
  const response = await fetch(request);
  if (response.ok) await caches.delete(PERSONAL);
  return response;
}
