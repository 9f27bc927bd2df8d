/** Buttons that copy the text of another element: `<button data-copies="id" data-done="Copied" hidden>`. */

for (const button of document.querySelectorAll("[data-copies]")) {
  button.hidden = !navigator.clipboard; // it needs a secure context
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent);
    button.nextElementSibling.textContent = button.dataset.done;
  });
}
