/**
 * Markdown as DOM nodes. Text only ever becomes text: nodes are made with createElement and textContent, so nothing
 * that an answer says can become markup. Knows what answers use: paragraphs, headings, lists, quotes, tables, code,
 * rules, bold, italics, links (http, https, tel) and [n] citations.
 */

const HEADING = /^(#{1,6})\s+(.*)$/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)/;
const RULE = /^\s*([-*_])(?:\s*\1){2,}\s*$/;
const FENCE = /^\s*```/;
const QUOTE = /^>\s?/;
const ROW = /^\s*\|.*\|\s*$/;
const TABLE_RULE = /^[\s|:-]+$/; // what stands below the head of a table
const DEEPEST = 6; // levels of lists and quotes in each other; nobody writes more in good faith

/** The source of each block, so that a growing text need only be drawn again from its last one. */
export function blocks(text) {
  const found = [];
  let block = [];
  let fenced = false;
  const close = () => block.length && found.push(block.join("\n")) && (block = []);
  for (const line of text.replace(/\r\n?/g, "\n").split("\n")) {
    if (FENCE.test(line)) {
      if (!fenced) close();
      block.push(line);
      if (fenced) close();
      fenced = !fenced;
    } else if (fenced) block.push(line);
    else if (!line.trim()) continuesList(block) ? block.push("") : close();
    else {
      if (startsAnew(line, block)) close();
      block.push(line);
      if (HEADING.test(line)) close();
    }
  }
  close();
  return found;
}

/** One block as a node. `cite(n)` gives the node of a citation, or null when there is no such source. */
export function draw(block, cite, depth = 0) {
  const lines = block.trimEnd().split("\n");
  const heading = lines[0].match(HEADING);
  if (heading) return element(`h${Math.min(Math.max(heading[1].length + 1, 3), 6)}`, inline(heading[2], cite));
  if (FENCE.test(lines[0])) return code(lines.filter((line) => !FENCE.test(line)));
  if (RULE.test(block)) return element("hr", []);
  if (depth < DEEPEST && ITEM.test(lines[0])) return list(lines, cite, depth + 1);
  if (depth < DEEPEST && QUOTE.test(lines[0])) return quote(lines, cite, depth + 1);
  if (ROW.test(lines[0]) && TABLE_RULE.test(lines[1] ?? "")) return table(lines, cite);
  return element("p", paragraph(lines, cite));
}

/** Whether this is an address that a link may lead to. */
export function isSafe(address) {
  return /^(https?:\/\/|tel:\+?[\d\s().-]+$)/i.test(address);
}

function startsAnew(line, block) {
  if (!block.length) return false;
  if (HEADING.test(line) || RULE.test(line)) return true;
  if (ITEM.test(block[0])) return block.at(-1) === "" && !ITEM.test(line) && !/^\s/.test(line);
  if (ROW.test(line) !== ROW.test(block[0])) return true;
  return ITEM.test(line) || QUOTE.test(line) !== QUOTE.test(block[0]);
}

function continuesList(block) {
  return block.length > 0 && ITEM.test(block[0]);
}

function code(lines) {
  return element("pre", [element("code", [lines.join("\n")])]);
}

function quote(lines, cite, depth) {
  const text = lines.map((line) => line.replace(QUOTE, "")).join("\n");
  return element("blockquote", blocks(text).map((block) => draw(block, cite, depth)));
}

/** The place around it can be scrolled sideways, with the keyboard too. */
function table([head, , ...rows], cite) {
  const columns = cells(head).length;
  const body = rows.map((row) => tableRow(cells(row).slice(0, columns), "td", cite));
  const headRow = tableRow(cells(head), "th", cite);
  for (const cell of headRow.cells) cell.scope = "col";
  const place = element("div", [element("table", [element("thead", [headRow]), element("tbody", body)])]);
  place.className = "table";
  place.tabIndex = 0;
  return place;
}

function tableRow(texts, kind, cite) {
  return element("tr", texts.map((text) => element(kind, inline(text.trim(), cite))));
}

function cells(row) {
  return row.trim().slice(1, -1).split("|");
}

function list(lines, cite, depth) {
  const [, indent, mark] = lines[0].match(ITEM);
  const inner = new RegExp(`^\\s{0,${indent.length + mark.length + 1}}`);
  const items = [];
  for (const line of lines) {
    const item = line.match(ITEM);
    if (item && item[1].length <= indent.length + 1) items.push([item[3]]);
    else items.at(-1).push(line.replace(inner, ""));
  }
  const made = element(/\d/.test(mark) ? "ol" : "ul", items.map((item) => listItem(item, cite, depth)));
  if (/\d/.test(mark) && Number.parseInt(mark, 10) !== 1) made.start = Number.parseInt(mark, 10);
  return made;
}

/** The first paragraph of an item stands in it as it is. */
function listItem(lines, cite, depth) {
  const [first, ...rest] = blocks(lines.join("\n")).map((block) => draw(block, cite, depth));
  return element("li", [...(first?.tagName === "P" ? first.childNodes : [first ?? ""]), ...rest]);
}

function paragraph(lines, cite) {
  return lines.flatMap((line, index) => [
    ...inline(line.trim(), cite),
    ...(index < lines.length - 1 ? [/(\s{2}|\\)$/.test(line) ? element("br", []) : " "] : []),
  ]);
}

// Every quantifier is bounded or excludes its own end: the time spent grows with the text, whatever it says.
const INLINE = new RegExp(
  [
    /`([^`\n]{1,500})`/,
    /\*\*((?:[^*\n]|\*(?!\*)){1,1000})\*\*/,
    /\*([^*\s](?:[^*\n]{0,500}[^*\s])?)\*(?!\*)/,
    /_([^_\s](?:[^_\n]{0,500}[^_\s])?)_(?![\p{L}\d_])/,
    /\[([^[\]\n]{1,300})\]\(([^()\s]{1,1000})\)/,
    /\[(\d{1,2})\]/,
    /<?(https?:\/\/[^\s<>()[\]]{1,1000}[^\s<>()[\].,;:!?»"'*_])>?/,
    /\\([\\`*_[\]()#+.!>-])/,
  ]
    .map((pattern) => pattern.source)
    .join("|"),
  "gu",
);

function inline(text, cite) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    const insideWord = match[4] && /[\p{L}\d_]/u.test(text.charAt(match.index - 1)); // un_nom_de_fichier
    const before = typeset(text.slice(end, match.index));
    const isCitation = match[7] !== undefined; // one must not stand alone on a line
    nodes.push(isCitation ? before.replace(/ $/, "\u00a0") : before, insideWord ? match[0] : span(match, cite));
    end = match.index + match[0].length;
  }
  return [...nodes, typeset(text.slice(end))];
}

/** French sets a space before its double signs, which must not begin a line; nor is a number or a measure broken. */
function typeset(text) {
  return text
    .replace(/ (?=[:;?!»€%])/g, "\u00a0")
    .replace(/(\d) (?=\d|(?:h|ans?|mois|jours?|minutes?|euros?)(?!\p{L}))/gu, "$1\u00a0")
    .replace(/« /g, "«\u00a0");
}

function span([whole, code, strong, star, underscore, label, address, citation, bare, escaped], cite) {
  if (code) return element("code", [code]);
  if (strong) return isHelpLine(strong) ? link(phone(strong), [strong]) : element("strong", inline(strong, cite));
  if (star || underscore) return element("em", inline(star || underscore, cite));
  if (label) return isSafe(address) ? link(address, inline(label, cite)) : label;
  if (citation) return cite(Number(citation)) ?? whole;
  if (bare) return link(bare, [bare]);
  return escaped;
}

const phone = (number) => `tel:${number.replaceAll(" ", "")}`;

/** Whether this is one of the numbers in the page's own list of whom to call. */
function isHelpLine(number) {
  return /^\d[\d ]*$/.test(number) && document.querySelector(`#help a[href="${phone(number)}"]`) !== null;
}

function link(address, children) {
  const made = element("a", children);
  made.href = address;
  made.rel = "noopener noreferrer";
  if (!address.startsWith("tel:")) made.target = "_blank";
  return made;
}

function element(name, children) {
  const made = document.createElement(name);
  made.append(...children);
  return made;
}
