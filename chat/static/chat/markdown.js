/**
 * Renders Markdown as DOM nodes, with createElement and text nodes only, so that the text of an answer can never become
 * markup. Supports what answers use: paragraphs, headings, lists, quotes, tables, code,
 * rules, bold, italics, links (http, https, and the numbers to call of the page) and [n] citations.
 */

import { strings } from "./page.js";

const HEADING = /^(#{1,6})\s+(.*)$/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)/;
const RULE = /^\s*([-*_])(?:\s*\1){2,}\s*$/;
const FENCE = /^\s*```/;
const QUOTE = /^>\s?/;
const ROW = /^\s*\|.*\|\s*$/;
const TABLE_RULE = /^[\s|:-]+$/; // the line below a table's head
const MAX_DEPTH = 6; // nesting levels of lists and quotes

/** Split a text into the sources of its blocks, so that only changed blocks need rendering when it grows. */
export function blocks(text) {
  const found = [];
  let block = [];
  let fenced = false;
  const close = () => block.length && found.push(block.join("\n")) && (block = []);
  for (const source of text.replace(/\r\n?/g, "\n").split("\n")) {
    const line = fenced ? source : source.replace(/^\s+/, (indent) => indent.replace(/\t/g, "    "));
    if (FENCE.test(line)) {
      if (!fenced) close();
      block.push(line);
      if (fenced) close();
      fenced = !fenced;
    } else if (fenced) block.push(line);
    else if (!line.trim()) isList(block) ? block.push("") : close();
    else {
      if (startsNewBlock(line, block)) close();
      if (block.length > 1 && !isList(block) && !isTable(block) && isTable([block.at(-1), line])) {
        const head = block.pop(); // the lines before it are a paragraph
        close();
        block.push(head);
      }
      block.push(line);
      if (HEADING.test(line)) close();
    }
  }
  close();
  return found;
}

/** Render one block. `cite(n)` returns the node of a citation, or null when there is no source n. */
export function draw(block, cite, depth = 0) {
  const lines = block.trimEnd().split("\n");
  const heading = lines[0].match(HEADING);
  if (heading) return element(`h${Math.min(Math.max(heading[1].length + 1, 3), 6)}`, inline(heading[2], cite));
  if (FENCE.test(lines[0])) return code(lines.filter((line) => !FENCE.test(line)));
  if (RULE.test(block)) return element("hr", []);
  if (depth < MAX_DEPTH && ITEM.test(lines[0])) return list(lines, cite, depth + 1);
  if (depth < MAX_DEPTH && QUOTE.test(lines[0])) return quote(lines, cite, depth + 1);
  if (isTable(lines)) return table(lines, cite);
  return element("p", paragraph(lines, cite));
}

// As in chat/core/links.py: a host of plain letters, because others may look like those of another name.
const WEB = /^https?:\/\/(?![^/?#]*xn--)[a-z0-9.-]+(?::\d+)?(?:[/?#].*)?$/i;
const NUMBER = /^(?:tel|sms):(\+?[\d\s().-]+)$/i;
const HOST_IN_WORDS = /(?:[\p{L}\d_-]{1,63}\.){1,8}\p{L}{2,24}/gu;

/** Whether a link may have this target: a web page with its whole address, or a number to call. */
export function isSafe(address) {
  return (WEB.test(address) && canParse(address)) || isToCall(address.match(NUMBER)?.[1]);
}

/** URL.canParse, which older phones don't have: `https://mdph.75` and `https://a.fr:99999` are no addresses. */
function canParse(address) {
  try {
    return Boolean(new URL(address));
  } catch {
    return false;
  }
}

/** Whether a help line or the knowledge base has this number: anybody may write any number into an answer. */
function isToCall(number) {
  return number !== undefined && strings.numbers.includes(dialled(number));
}

/** The digits of a number as it is dialled within France. */
function dialled(text) {
  return text.replace(/[^\d+]/g, "").replace(/^(?:\+33|0033)/, "0");
}

/** The words as a reader takes them: any kind of full stop is a point, and what can't be seen is not there. */
function asRead(words) {
  return words.normalize("NFKC").replaceAll("\u3002", ".").replace(/[\p{Cf}\p{Mn}\p{Me}]/gu, "");
}

/** What to add to a link's words: its host if they name another one, its number if they don't tell it; else "". */
function destination(address, words) {
  const number = address.match(NUMBER)?.[1];
  if (number) return dialled(words).includes(dialled(number)) ? "" : number;
  const withoutWww = (host) => host.toLowerCase().replace(/^www\./, "");
  const host = withoutWww(new URL(address).hostname);
  const named = (asRead(words).match(HOST_IN_WORDS) ?? []).map(withoutWww);
  return named.every((name) => host === name || host.endsWith(`.${name}`)) ? "" : host;
}

function startsNewBlock(line, block) {
  if (!block.length) return false;
  if (HEADING.test(line) || RULE.test(line)) return true;
  if (isList(block)) return startsAnotherList(line, block[0]) || (block.at(-1) === "" && !ITEM.test(line) && !/^\s/.test(line));
  if (isTable(block)) return !line.includes("|") || ITEM.test(line) || QUOTE.test(line);
  if (ROW.test(line) !== ROW.test(block[0])) return true;
  return ITEM.test(line) || QUOTE.test(line) !== QUOTE.test(block[0]);
}

function isList(block) {
  return block.length > 0 && ITEM.test(block[0]);
}

function isTable([head = "", rule = ""]) {
  return [head, rule].every((line) => line.includes("|")) && rule.includes("-") && TABLE_RULE.test(rule);
}

/** Whether an item is beside the first one of a list, not within it, and has another kind of mark. */
function startsAnotherList(line, first) {
  const [[, indent, mark], other] = [first, line].map((each) => each.match(ITEM));
  return other !== null && isBeside(other[1], indent) && other[2].at(-1) !== mark.at(-1);
}

/** Whether an item with this indent is one of the list whose first item has the other indent. */
const isBeside = (indent, first) => indent.length <= first.length + 1;

function code(lines) {
  return element("pre", [element("code", [lines.join("\n")])]);
}

function quote(lines, cite, depth) {
  const text = lines.map((line) => line.replace(QUOTE, "")).join("\n");
  return element("blockquote", blocks(text).map((block) => draw(block, cite, depth)));
}

/** A table in a wrapper that scrolls horizontally, also by keyboard. */
function table([head, , ...rows], cite) {
  const columns = cells(head).length;
  const body = rows.map((row) => tableRow(cells(row).slice(0, columns), "td", cite));
  const headRow = tableRow(cells(head), "th", cite);
  for (const cell of headRow.cells) cell.scope = "col";
  const wrapper = element("div", [element("table", [element("thead", [headRow]), element("tbody", body)])]);
  wrapper.className = "table";
  wrapper.tabIndex = 0;
  return wrapper;
}

function tableRow(texts, kind, cite) {
  return element("tr", texts.map((text) => element(kind, inline(text.trim(), cite))));
}

function cells(row) {
  return row.trim().replace(/^\||\|$/g, "").split("|");
}

function list(lines, cite, depth) {
  const [, indent, mark] = lines[0].match(ITEM);
  const inner = new RegExp(`^\\s{0,${indent.length + mark.length + 1}}`);
  const items = [];
  for (const line of lines) {
    const item = line.match(ITEM);
    if (item && isBeside(item[1], indent)) items.push([item[3]]);
    else items.at(-1).push(line.replace(inner, ""));
  }
  const node = element(/\d/.test(mark) ? "ol" : "ul", items.map((item) => listItem(item, cite, depth)));
  if (/\d/.test(mark) && Number.parseInt(mark, 10) !== 1) node.start = Number.parseInt(mark, 10);
  return node;
}

/** A list item; its first paragraph has no <p>. */
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

// Every quantifier is bounded or excludes its terminator, so that matching takes linear time on any text.
const INLINE = new RegExp(
  [
    /`([^`\n]{1,500})`/,
    /\*\*\*([^*\s](?:[^*\n]{0,500}[^*\s])?)\*\*\*/,
    /\*\*((?:[^*\n]|\*(?!\*)){1,1000})\*\*/,
    /__(?=[^_\s])((?:[^_\n]|_(?!_)){1,1000})__(?![\p{L}\d_])/,
    /\*([^*\s](?:[^*\n]{0,500}[^*\s])?)\*(?!\*)/,
    /_([^_\s](?:[^_\n]{0,500}[^_\s])?)_(?![\p{L}\d_])/,
    /\[([^[\]\n]{1,300})\]\(((?:[^()\s]|\([^()\s]{0,200}\)){1,1000})(?: {1,9}(?:"[^"\n]{0,300}"|'[^'\n]{0,300}'))?\)/,
    /\[(\d{1,2})\]/,
    /<?(https?:\/\/(?:[^\s<>()[\]]|\([^\s<>()[\]]{0,200}\)){1,1000}(?:[^\s<>()[\].,;:!?»"'*_]|\([^\s<>()[\]]{0,200}\)))>?/,
    /\\([\\`*_[\]()#+.!>-])/,
  ]
    .map((pattern) => pattern.source)
    .join("|"),
  "gu",
);

// As in chat/core/phone_numbers.py: ten digits, +33, and the short numbers of national services. `_` is a space.
const NUMBERS = [
  /\+33(?:_|\.)?[1-9](?:(?:_|\.)?\d\d){4}/,
  /0[1-9](?<gap>_?|\.)\d\d(?:\k<gap>\d\d){3}/,
  /0_?8\d\d(?:(?:_?\d{3}){2}|(?:_?\d\d){3})/,
  /116_?(?:000|006|111|117)/,
  /3(?:0_?(?:18|20|39)|1_?(?:14|33)|2_?30|6_?46|9_?(?:19|28|39|49|60|77))(?!_?(?:€|%|euro))/,
]
  .map((pattern) => pattern.source)
  .join("|")
  .replaceAll("_", "[ \\u00a0\\u202f]");
const PHONE = new RegExp(`(?<before>^|[^\\p{L}\\d+./-])(?<number>${NUMBERS})(?![\\p{L}\\d/-])`, "gu");

/** The nodes of a text with inline marks; without links inside a link's label. */
function inline(text, cite, words = withPhoneLinks) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    const insideWord = match[0].startsWith("_") && /[\p{L}\d_]/u.test(text.charAt(match.index - 1)); // un_nom_de_fichier
    const isCitation = match[9] !== undefined;
    const before = text.slice(end, match.index);
    // A no-break space keeps a citation on the line of the word before it.
    nodes.push(...words(isCitation ? before.replace(/ $/, "\u00a0") : before), insideWord ? match[0] : span(match, cite));
    end = match.index + match[0].length;
  }
  return [...nodes, ...words(text.slice(end))];
}

function withPhoneLinks(text) {
  const nodes = [];
  let end = 0;
  for (const { index, groups } of text.matchAll(PHONE)) {
    const { before, number } = groups;
    const start = index + before.length;
    const shown = isToCall(number) ? link(`tel:${number.replace(/[^\d+]/g, "")}`, [number]) : typeset(number);
    nodes.push(typeset(text.slice(end, start)), shown);
    end = start + number.length;
  }
  return [...nodes, typeset(text.slice(end))];
}

/** Insert no-break spaces: before French two-part punctuation, inside numbers, and between numbers and units. */
function typeset(text) {
  return text
    .replace(/ (?=[:;?!»€%])/g, "\u00a0")
    .replace(/(\d) (?=\d|(?:h|ans?|mois|jours?|minutes?|euros?)(?!\p{L}))/gu, "$1\u00a0")
    .replace(/« /g, "«\u00a0");
}

function span([whole, code, both, stars, underscores, star, underscore, label, address, citation, bare, escaped], cite) {
  if (code) return element("code", [code]);
  if (both) return element("em", [element("strong", inline(both, cite))]);
  const strong = stars || underscores;
  if (strong) return helpLine(strong) ?? element("strong", inline(strong, cite));
  if (star || underscore) return element("em", inline(star || underscore, cite));
  if (label) return isSafe(address) ? honestLink(address, inline(label, cite, (words) => [typeset(words)])) : label;
  if (citation) return cite(Number(citation)) ?? whole;
  if (bare) return isSafe(bare) ? link(bare, [bare]) : bare;
  return escaped;
}

/** A link to call or text one of the numbers in the page's help dialog; null for any other text. */
function helpLine(number) {
  if (!/^\d[\d ]*$/.test(number)) return null;
  const line = document.querySelector(`#help a[data-number="${number.replaceAll(" ", "")}"]`);
  return line && link(line.getAttribute("href"), [number]);
}

/** The link, and after it where it leads if its words say something else. */
function honestLink(address, children) {
  const node = link(address, children);
  const told = destination(address, node.textContent);
  return told ? element("span", [node, ` (${told})`]) : node;
}

function link(address, children) {
  const node = element("a", children);
  node.href = address;
  node.rel = "noopener noreferrer";
  if (address.startsWith("http")) node.target = "_blank";
  return node;
}

function element(name, children) {
  const node = document.createElement(name);
  node.append(...children);
  return node;
}
