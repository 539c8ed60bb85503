"use strict";
// Describes the mark under the pointer, or the one selected with the keys.

(() => {
  const marks = [...document.querySelectorAll("[data-description]")], now = byId("now");
  let selected = -1;

  function show(next) {
    marks[selected]?.classList.remove("shown");
    selected = Math.max(0, Math.min(marks.length - 1, next));
    marks[selected].classList.add("shown");
    now.textContent = marks[selected].dataset.description;
  }

  marks.forEach((mark, i) => mark.addEventListener("pointerenter", () => show(i)));
  const acts = {
    ArrowDown: () => selected + 1, ArrowRight: () => selected + 1, ArrowUp: () => selected - 1, ArrowLeft: () => selected - 1,
    Home: () => 0, End: () => marks.length - 1,
  };
  document.addEventListener("keydown", event => {
    if (!forPage(event) || !acts[event.key] || !marks.length) return;
    event.preventDefault();
    show(acts[event.key]());
    marks[selected].scrollIntoView({block: "center"});
  });
})();
