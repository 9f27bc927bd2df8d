/** The language of a text, by its script or its commonest words. */

const COMMON_WORDS = {
  fr: /(?<!\p{L})(?:le|la|les|des|du|une?|est|et|vous|pour|pas|je|mon|ma|que)(?!\p{L})/giu,
  en: /(?<!\p{L})(?:the|and|you|your|is|are|of|to|for|not|my|how|what)(?!\p{L})/giu,
  es: /(?<!\p{L})(?:el|los|las|una|y|para|su|puede|con|por|es|al)(?!\p{L})/giu,
  pt: /(?<!\p{L})(?:os|as|um|uma|e|para|seu|pode|com|não|é|ao|do|da)(?!\p{L})/giu,
  it: /(?<!\p{L})(?:il|gli|una|e|per|suo|può|con|non|è|della|di)(?!\p{L})/giu,
  de: /(?<!\p{L})(?:der|die|das|und|ist|sie|für|nicht|ein|eine|mit|zu)(?!\p{L})/giu,
  tr: /(?<!\p{L})(?:bir|ve|için|ile|bu|da|de|çocuğunuz|size|olarak|veya)(?!\p{L})/giu,
};

const SCRIPTS = {
  ar: /\p{Script=Arabic}/gu,
  he: /\p{Script=Hebrew}/gu,
  ru: /\p{Script=Cyrillic}/gu,
  zh: /\p{Script=Han}/gu,
  ta: /\p{Script=Tamil}/gu,
};

/** The language of a text, for screen readers and voices; the page's if nothing shows another. */
export function languageOf(text) {
  const count = (pattern) => text.match(pattern)?.length ?? 0;
  const script = Object.keys(SCRIPTS).find((name) => count(SCRIPTS[name]) > count(/\p{L}/gu) / 2);
  if (script) return script;
  return Object.keys(COMMON_WORDS).reduce(
    (best, name) => (count(COMMON_WORDS[name]) > count(COMMON_WORDS[best]) ? name : best),
    document.documentElement.lang === "en" ? "en" : "fr",
  );
}

export const directionOf = (lang) => (["ar", "he"].includes(lang) ? "rtl" : "ltr");
