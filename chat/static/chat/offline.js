/** Keeps this page and this conversation readable without a network: service_worker.js does the work. */

/** Called when an answer has ended. The first call installs the service worker. */
export async function keepConversation(id) {
  if (!navigator.serviceWorker) return; // no secure context, or a private window
  await navigator.serviceWorker.register("/service-worker.js");
  await navigator.serviceWorker.ready;
  if (!navigator.serviceWorker.controller) await new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
  const paths = ["/api/chat/conversations", `/api/chat/history?${new URLSearchParams({ conversationId: id })}`];
  await Promise.all(paths.map((path) => fetch(path, { headers: { "Accept-Language": document.documentElement.lang } })));
}
