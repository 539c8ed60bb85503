"use strict";
// Says what the mark under the pointer, or the one that the keys have reached, stands for.

(() => {
  const marks = [...document.querySelectorAll("[data-says]")], now = byId("now");
  let at = -1;

  function show(next) {
    marks[at]?.classList.remove("shown");
    at = Math.max(0, Math.min(marks.length - 1, next));
    marks[at].classList.add("shown");
    now.textContent = marks[at].dataset.says;
  }

  marks.forEach((mark, i) => mark.addEventListener("pointerenter", () => show(i)));
  const acts = {
    ArrowDown: () => at + 1, ArrowRight: () => at + 1, ArrowUp: () => at - 1, ArrowLeft: () => at - 1,
    Home: () => 0, End: () => marks.length - 1,
  };
  document.addEventListener("keydown", event => {
    if (!forPage(event) || !acts[event.key] || !marks.length) return;
    event.preventDefault();
    show(acts[event.key]());
    marks[at].scrollIntoView({block: "center"});
  });
})();
