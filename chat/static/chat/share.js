/** One answer taken elsewhere: copied, shared or printed, with its question, sources, date and address. */

import { fill, strings } from "./page.js";

/** The answer as plain text, with its sources and imprint below. */
export function plainText(answer) {
  const list = [...answer.sources]
    .sort((a, b) => a.number - b.number)
    .map(({ number, title, url }) => `[${number}] ${[title, url].filter(Boolean).join(" – ")}`);
  const sources = list.length ? `${strings.sources}\n${list.join("\n")}` : "";
  return [answer.part("prose").innerText, sources, imprint(answer)].filter(Boolean).join("\n\n");
}

/** Open the device's dialog for sharing. */
export async function share(answer) {
  const question = questionOf(answer);
  // Rejects when the person changes their mind.
  await navigator.share({ title: question, text: `${question}\n\n${plainText(answer)}` }).catch(() => {});
}

/** Print this answer alone, with its question. */
export function print(answer) {
  const exchange = answer.node.closest(".exchange");
  answer.part("imprint").textContent = imprint(answer);
  exchange.classList.add("printed");
  window.addEventListener("afterprint", () => exchange.classList.remove("printed"), { once: true });
  window.print();
}

/** Who wrote this, when and where. */
function imprint({ date }) {
  const locale = document.documentElement.lang === "en" ? "en-GB" : "fr-FR";
  const day = new Intl.DateTimeFormat(locale, { dateStyle: "long" }).format(date);
  return fill(strings.imprint, { date: day, address: window.location.origin });
}

function questionOf({ node }) {
  return node.closest(".exchange").querySelector('[data-part="question"]').textContent;
}
