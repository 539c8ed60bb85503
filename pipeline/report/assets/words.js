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
function paintWords(u, panel) {
  panel.places ??= placesOf(panel.spoken);
  const wanted = (panel.wanted || "").toLowerCase(), ratio = devicePixelRatio;
  clipped(u, (ctx, bbox) => {
    ctx.font = FONT.replace("11px", `${12 * ratio}px`);
    ctx.textBaseline = "middle";
    panel.spoken.forEach(([start, end, word], i) => {
      const left = u.valToPos(start, "x", true), right = u.valToPos(end, "x", true);
      if (right < bbox.left || left > bbox.left + bbox.width) return;
      const {row, next} = panel.places[i];
      const room = next === Infinity ? Infinity : u.valToPos(next, "x", true) - left - 3 * ratio;
      const top = bbox.top + (8 + row * (WORD_PX + 10)) * ratio;
      ctx.fillStyle = theme(wanted && word.toLowerCase().includes(wanted) ? "orange" : "words");
      ctx.fillRect(left, top + WORD_PX * ratio, Math.max(1, right - left - ratio), 3 * ratio);
      if (ctx.measureText(word).width <= room) ctx.fillText(word, left, top + WORD_PX / 2 * ratio);
    });
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
