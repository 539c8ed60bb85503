"use strict";
// The stack of panels: their order, and which of them are hidden, folded or pinned below the time axis.

const STATES = {
  pin: {do: "Pin on top", undo: "Let go", key: "t"},
  fold: {do: "Fold", undo: "Unfold", key: "f"},
  hide: {do: "Hide", undo: "Show", key: "h"},
};
const DRAG_PX = 5;
const PINNED_SHARE = 0.6;  // of the window's height, at most

/** `changed` is called whenever panels are added, removed or moved. A key names a panel, or the same panel of two videos. */
function makeStack(host, changed) {
  const places = [], stack = {};
  const keysIn = Object.fromEntries(Object.keys(STATES).map(name => [name, new Set(address.all(name))]));
  let order = address.all("order");

  /** All panels, in the order in which they stand. */
  function sorted() {
    const rank = ({key}) => order.includes(key) ? order.indexOf(key) : order.length;
    return [...places].sort((a, b) => keysIn.pin.has(b.key) - keysIn.pin.has(a.key) || rank(a) - rank(b));
  }

  stack.all = () => sorted();
  stack.shown = () => sorted().filter(({key}) => !keysIn.hide.has(key));
  stack.open = () => stack.shown().filter(({key}) => !keysIn.fold.has(key));
  stack.has = (name, key) => keysIn[name].has(key);

  function arrange() {
    const focused = document.activeElement, all = sorted();
    if (all.some(({section}, i) => section !== host.querySelectorAll(":scope > .panel")[i])) host.append(...all.map(placed => placed.section));
    for (const {key, section} of all) {
      section.hidden = keysIn.hide.has(key);
      section.classList.toggle("folded", keysIn.fold.has(key));
      section.classList.toggle("pinned", keysIn.pin.has(key));
    }
    if (focused !== document.activeElement && host.contains(focused)) focused.focus({preventScroll: true});
    const titles = new Map(all.filter(({key}) => keysIn.hide.has(key)).map(({key, panel}) => [key, panel.title]));
    byId("hidden").hidden = !titles.size;
    byId("hidden").replaceChildren("Hidden: ", ...[...titles].map(([key, textContent]) => {
      const button = element("button", {textContent, title: "Show this panel again"});
      button.addEventListener("click", () => stack.toggle("hide", key));
      return button;
    }));
    changed();
  }

  function keep() {
    address.set({...Object.fromEntries(Object.entries(keysIn).map(([name, keys]) => [name, [...keys]])), order});
    arrange();
  }

  stack.add = added => {
    places.push(...added);
    arrange();
  };
  stack.remove = key => {
    places.splice(0, places.length, ...places.filter(placed => placed.key === key ? placed.section.remove() : true));
    Object.values(keysIn).forEach(keys => keys.delete(key));
    order = order.filter(other => other !== key);
    keep();
  };
  stack.toggle = (name, key) => {
    if (!keysIn[name].delete(key)) keysIn[name].add(key);
    keep();
  };
  /** Puts a panel before another one, or after it. */
  stack.put = (key, other, after) => {
    if (key === other) return;
    const names = [...new Set(sorted().map(placed => placed.key))].filter(name => name !== key);
    names.splice(names.indexOf(other) + after, 0, key);
    order = names;
    if (keysIn.pin.has(other) !== keysIn.pin.has(key)) keysIn.pin[keysIn.pin.has(other) ? "add" : "delete"](key);
    keep();
  };
  stack.move = (key, by) => {
    const neighbours = [...new Set(stack.shown().map(placed => placed.key))].filter(other => keysIn.pin.has(other) === keysIn.pin.has(key));
    const other = neighbours[neighbours.indexOf(key) + by];
    if (other === undefined) return;
    stack.put(key, other, by > 0);
    stack.find(key).section.scrollIntoView({block: "nearest"});
  };
  stack.find = key => places.find(placed => placed.key === key);

  /** Pinned panels stay below the bar, as far as they leave room for the others. */
  stack.stick = () => {
    let top = byId("bar").offsetHeight;
    const most = PINNED_SHARE * innerHeight;
    for (const {section, key} of stack.shown()) {
      const sticks = keysIn.pin.has(key) && top + section.offsetHeight < most;
      section.style.top = sticks ? `${top}px` : "";
      section.classList.toggle("sticks", sticks);
      if (sticks) top += section.offsetHeight;
    }
  };

  /** The panel that has the focus, or else that is under the mouse. */
  stack.current = () => {
    const section = [":focus-within", ":hover"].map(state => host.querySelector(`.panel${state}`)).find(Boolean);
    return places.find(placed => placed.section === section);
  };
  return stack;
}

/** The menu of a panel, dragging, and keys for the panel that has the focus or is under the mouse. */
function offerArranging(host, stack, save) {
  const menu = byId("menu");

  function open(grip, {key}) {
    const item = (text, shown, act) => {
      const button = element("button", {role: "menuitem"}, text, element("kbd", {textContent: shown}));
      button.addEventListener("click", () => {
        menu.hidePopover();
        act();
        stack.find(key)?.section.querySelector(".grip").focus({preventScroll: true});
      });
      return button;
    };
    menu.replaceChildren(
      ...Object.entries(STATES).map(([name, state]) => item(stack.has(name, key) ? state.undo : state.do, state.key.toUpperCase(), () => stack.toggle(name, key))),
      item("Move up", "⇧↑", () => stack.move(key, -1)),
      item("Move down", "⇧↓", () => stack.move(key, 1)),
      item("Save …", "", () => save(key)),
    );
    menu.showPopover();
    const at = grip.getBoundingClientRect();
    Object.assign(menu.style, {left: `${at.left}px`, top: `${Math.min(at.bottom + 2, innerHeight - menu.offsetHeight - 4)}px`});
    menu.firstChild.focus();
  }

  menu.addEventListener("keydown", event => {
    const items = [...menu.children], by = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (by) items[(items.indexOf(document.activeElement) + by + items.length) % items.length].focus();
    if (by || event.key === "Tab") event.preventDefault();
    event.stopPropagation();
  });

  const owner = grip => stack.all().find(({section}) => section.contains(grip));
  host.addEventListener("pointerdown", down => {
    const grip = down.target.closest(".grip");
    if (!grip || down.button) return;
    const placed = owner(grip);
    let target = null;
    const mark = (other, after) => {
      host.querySelectorAll(".before, .after").forEach(section => section.classList.remove("before", "after"));
      if (other) other.section.classList.add(after ? "after" : "before");
    };
    const move = event => {
      if (!target && Math.abs(event.clientY - down.clientY) < DRAG_PX) return;
      placed.section.classList.add("dragged");
      const others = stack.shown(), boxes = others.map(({section}) => section.getBoundingClientRect());
      const i = Math.max(0, boxes.findLastIndex(({top}) => top <= event.clientY)), after = event.clientY > (boxes[i].top + boxes[i].bottom) / 2;
      target = {other: others[i], after};
      mark(target.other, after);
    };
    const up = event => {
      grip.removeEventListener("pointermove", move);
      placed.section.classList.remove("dragged");
      mark(null);
      if (!target || event.type !== "pointerup") return;
      grip.dataset.moved = "";  // ignore the click that follows
      stack.put(placed.key, target.other.key, target.after);
    };
    grip.setPointerCapture(down.pointerId);
    grip.addEventListener("pointermove", move);
    for (const end of ["pointerup", "pointercancel"]) grip.addEventListener(end, up, {once: true});
  });
  host.addEventListener("click", event => {
    const grip = event.target.closest(".grip");
    if (!grip) return;
    if (!("moved" in grip.dataset)) open(grip, owner(grip));
    delete grip.dataset.moved;
  });

  const current = act => event => {
    const placed = stack.current();
    if (!placed) return false;
    act(placed.key, event);
  };
  for (const [name, {do: action, key}] of Object.entries(STATES))
    keys.on(key.toUpperCase(), `${action.toLowerCase()} the panel under the mouse or with the focus${name === "hide" ? "" : ", or undo it"}`, [key], current(key => stack.toggle(name, key)));
  keys.on("Shift + ↑ ↓", "move that panel", ["ArrowUp", "ArrowDown"], event =>
    event.shiftKey && current((key, {key: arrow}) => stack.move(key, arrow === "ArrowUp" ? -1 : 1))(event));
}
