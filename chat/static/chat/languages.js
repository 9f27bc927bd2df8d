/** The language of a text, by its script or its commonest words. */

const COMMON_WORDS = {
  fr: "le la les des du un une est et vous pour pas je mon ma que",
  en: "the and you your is are of to for not my how what",
  es: "el los las una y para su puede con por es al",
  pt: "os as um uma e para seu pode com não é ao do da",
  it: "il gli una e per suo può con non è della di",
  de: "der die das und ist sie für nicht ein eine mit zu",
  tr: "bir ve için ile bu da de çocuğunuz size olarak veya",
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
  const words = text.toLowerCase().match(/\p{L}+/gu) ?? [];
  const common = (name) => {
    const known = new Set(COMMON_WORDS[name].split(" "));
    return words.filter((word) => known.has(word)).length;
  };
  return Object.keys(COMMON_WORDS).reduce(
    (best, name) => (common(name) > common(best) ? name : best),
    document.documentElement.lang === "en" ? "en" : "fr",
  );
}

export const directionOf = (lang) => (["ar", "he"].includes(lang) ? "rtl" : "ltr");

/** "samedi 15 mai 2027", or without the weekday in the style "long"; in French the first of a month is the "1er". */
export function longDate(iso, dateStyle = "full") {
  const inFrench = document.documentElement.lang !== "en";
  const locale = inFrench ? "fr-FR" : "en-GB"; // European date formats
  const date = new Intl.DateTimeFormat(locale, { dateStyle, timeZone: "UTC" }).format(new Date(iso));
  return (inFrench ? date.replace(/(^| )1 /, "$11er ") : date).replace(/(\d\S*) (?=\p{L})/u, "$1\u00a0");
}
