/** Renders the preview of an entry's Markdown shortly after each change. */

const preview = document.getElementById("preview");
const text = document.getElementById("id_text"); // absent for users who may only view
const token = document.querySelector("[name=csrfmiddlewaretoken]");
const DEBOUNCE_MS = 400;

let timer;
let latestRequest = 0;

async function render() {
  const request = ++latestRequest;
  const response = await fetch(preview.dataset.url, {
    method: "POST",
    headers: { "X-CSRFToken": token.value },
    body: new URLSearchParams({ text: text.value }),
    redirect: "error",
  }).catch(() => null);
  // The server has escaped the HTML. Ignore responses that later requests have overtaken.
  if (response?.ok && request === latestRequest) preview.innerHTML = await response.text();
}

text?.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(render, DEBOUNCE_MS);
});
