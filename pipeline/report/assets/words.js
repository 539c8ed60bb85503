"use strict";
// Words at their times, and the search for words.

const WORD_PX = 17;

/** The row of each word, the second if the word in the first has not ended, and the start of the next word in its row. */
function placesOf(spoken) {
  const ends = [0, 0], last = [], places = [];
  spoken.forEach(([start, end], i) => {
    const row = start >= ends[0] - 1e-6 ? 0 : 1;
    ends[row] = Math.max(ends[row], end);
    if (row in last) places[last[row]].next = start;
    places.push({row, next: Infinity});
    last[row] = i;
  });
  return places;
}

/** A bar for each word, with its text if this fits before the next word; search results are highlighted. */
function wordMarks(panel, {x, width}) {
  panel.places ??= placesOf(panel.spoken);
  const query = (panel.query || "").toLowerCase(), size = 12;
  return panel.spoken.flatMap(([start, end, word], i) => {
    const left = x(start), right = x(end);
    if (right < 0 || left > width) return [];
    const {row, next} = panel.places[i], top = 8 + row * (WORD_PX + 10);
    const fill = theme(query && word.toLowerCase().includes(query) ? "orange" : "words");
    const bar = {kind: "rect", x: left, y: top + WORD_PX, width: Math.max(1, right - left - 1), height: 3, fill};
    const fits = next === Infinity || widthOf(word, {size}) <= x(next) - left - 3;
    return fits ? [bar, {kind: "text", text: word, x: left, y: top + 13, size, fill}] : [bar];
  });
}

/** A field that searches the utterances: Enter goes to the next result, Shift+Enter to the previous one. */
function searchOf(panel, {go, repaint}) {
  const field = element("input", {type: "search", placeholder: "search", ariaLabel: `search in ${panel.title}`});
  const count = element("output");
  const begins = () => panel.words.flatMap((text, k) =>
    text && text !== panel.words[k - 1] && text.toLowerCase().includes(panel.query.toLowerCase()) ? [k] : []);
  field.addEventListener("input", () => {
    panel.query = field.value.trim();
    count.textContent = panel.query ? `${begins().length} found` : "";
    repaint();
  });
  field.addEventListener("keydown", event => {
    if (event.key !== "Enter" || !panel.query) return;
    event.preventDefault();
    go(begins(), event.shiftKey);
  });
  return element("p", {className: "search"}, field, count);
}
