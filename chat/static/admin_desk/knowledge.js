/** Shows an entry's Markdown as people will see it, a moment after each change. */

const preview = document.getElementById("preview");
const text = document.getElementById("id_text"); // not there for who may only look
const token = document.querySelector("[name=csrfmiddlewaretoken]");
const PAUSE = 400;

let timer;
let latest = 0;

async function render() {
  const turn = ++latest;
  const response = await fetch(preview.dataset.url, {
    method: "POST",
    headers: { "X-CSRFToken": token.value },
    body: new URLSearchParams({ text: text.value }),
    redirect: "error",
  }).catch(() => null);
  // The server has made it safe. An answer that comes after a later one is old.
  if (response?.ok && turn === latest) preview.innerHTML = await response.text();
}

text?.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(render, PAUSE);
});
