/** Asks before a changed form is left without saving. */

const form = document.querySelector('#content-main form[id$="_form"]');
let isChanged = false;

form?.addEventListener("input", () => (isChanged = true));
form?.addEventListener("submit", () => (isChanged = false));
window.addEventListener("beforeunload", (event) => isChanged && event.preventDefault());
