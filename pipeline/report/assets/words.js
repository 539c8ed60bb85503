"use strict";
// Words at their times, and the search for one.

const WORD_PX = 17;

/** Where each word stands: in the second row if the one in the first has not ended; and where the next of its row begins. */
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

/** A bar for each word, with the word itself where it has room up to the next one; what is looked for stands out. */
function wordMarks(panel, {x, width}) {
  panel.places ??= placesOf(panel.spoken);
  const wanted = (panel.wanted || "").toLowerCase(), size = 12;
  return panel.spoken.flatMap(([start, end, word], i) => {
    const left = x(start), right = x(end);
    if (right < 0 || left > width) return [];
    const {row, next} = panel.places[i], top = 8 + row * (WORD_PX + 10);
    const fill = theme(wanted && word.toLowerCase().includes(wanted) ? "orange" : "words");
    const bar = {kind: "rect", x: left, y: top + WORD_PX, width: Math.max(1, right - left - 1), height: 3, fill};
    const fits = next === Infinity || widthOf(word, {size}) <= x(next) - left - 3;
    return fits ? [bar, {kind: "text", text: word, x: left, y: top + 13, size, fill}] : [bar];
  });
}

/** A field that looks for a text in the utterances: Enter goes to the next, Shift+Enter to the one before. */
function searchOf(panel, {go, repaint}) {
  const field = element("input", {type: "search", placeholder: "search", ariaLabel: `search in ${panel.title}`});
  const count = element("output");
  const begins = () => panel.words.flatMap((text, k) =>
    text && text !== panel.words[k - 1] && text.toLowerCase().includes(panel.wanted.toLowerCase()) ? [k] : []);
  field.addEventListener("input", () => {
    panel.wanted = field.value.trim();
    count.textContent = panel.wanted ? `${begins().length} found` : "";
    repaint();
  });
  field.addEventListener("keydown", event => {
    if (event.key !== "Enter" || !panel.wanted) return;
    event.preventDefault();
    go(begins(), event.shiftKey);
  });
  return element("p", {className: "search"}, field, count);
}
