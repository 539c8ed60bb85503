"use strict";
// The page of one or several videos: their panels on one time axis.

/** Shows the panels of one or several videos below each other. `sources`: the data of their pages, and the folder of their files. */
async function timeline(sources) {
  const host = byId("stack");
  let charts = [], redraw = false, frame = 0, keep = () => {};
  const changed = all => {
    redraw ||= all;
    frame ||= requestAnimationFrame(show);
    keep();
  };
  const windows = Math.max(...sources.map(({data}) => data.windows));
  const axis = makeAxis({windows, step: sources[0].data.step}, changed), {view} = axis;
  const another = sources.some(({data}) => data.files.length) && (table => search(`${table}.`));
  const acts = {picked, remove, go, another, repaint: () => changed(true)};
  let search = () => {}, built = false, ready = false;
  const stack = makeStack(host, () => built && build());

  const panels = sources.map(({data}) => data.film.length ? [filmPanel(data, () => changed(true)), ...data.panels] : data.panels);
  stack.add(placesFor(panels));
  for (const name of address.all("pick"))
    for (const placed of stack.all()) placed.pick?.(placed.panel.series.findIndex(({column}) => column === name));

  /** Places for a list of panels per video. */
  function placesFor(panels) {
    return (sources.length > 1 ? sideBySide(sources, panels) : panels.flat()).map(panel => place(panel, acts));
  }

  function show() {
    if (redraw) {
      charts.forEach(u => u.look());
      paintOverview(byId("overview"), view, sources.map(({data}) => data.colours));
    }
    frame = redraw = 0;
    const box = charts[charts.length - 1].over.getBoundingClientRect();
    if (!box.width) return;
    Object.assign(axis, {left: box.left, width: box.width, origin: box.left - host.getBoundingClientRect().left});
    byId("now").replaceChildren(...readingOf(sources, axis));
    stack.shown().forEach(placed => placed.read(view.window));
    placeCursor(byId("cursor"), axis);
  }

  /** Moves the cursor to the next or previous of some windows; after the last comes the first. */
  function go(windows, back) {
    const next = back ? windows.findLast(k => k < view.window) ?? windows.at(-1) : windows.find(k => k > view.window) ?? windows[0];
    if (next === undefined) return;
    axis.point((next + 0.5) * view.step);
    if (next * view.step < view.min || next * view.step >= view.max) axis.pan(next * view.step - (view.min + view.max) / 2);
  }

  /** Another column of a panel was chosen: shows the same column of the other video. */
  function picked(changed) {
    const {column, name} = changed.panel.series[changed.active];
    for (const other of stack.all()) if (other !== changed && other.key === changed.key) other.pick?.(other.panel.series.findIndex(series => series.column === column || series.name === name));
    address.set({pick: [...new Set(stack.all().filter(({active}) => active).map(({panel, active}) => panel.series[active].column))]});
    build();
  }

  /** Adds the panel of a column below all others; `panels` has a list per video, which is empty if the video lacks the column. */
  function insert(name, panels) {
    if (!stack.find(name)) stack.add(placesFor(panels));
    address.set({column: [...new Set(address.all("column")).add(name)]});
    const {section} = stack.find(name);
    if (ready) section.scrollIntoView({block: "center"});
  }

  /** Removes the panels of an added column. */
  function remove({key}) {
    address.set({column: address.all("column").filter(name => name !== key)});
    stack.remove(key);
    byId("open_search").focus();
  }

  /** Rebuilds all charts; needed when panels are added or removed, and when the width changes. */
  function build() {
    charts.forEach(u => u.destroy());
    readTheme();
    const wide = matchMedia("(min-width: 800px)").matches, open = stack.open();
    const layout = {
      width: open[0]?.host.clientWidth || host.clientWidth, gutter: wide ? 44 : 34, right: wide ? 12 : 6,
      lane: wide ? {pitch: 20, top: 3, height: 15} : {pitch: 27, top: 16, height: 9},
    };
    charts = open.map(({panel, host, section, active}) =>
      chart(panel, host, view, {...layout, least: wide ? section.clientHeight : 0}, active));
    charts.push(ruler(byId("axis"), view, layout, wide ? 24 : 10));
    Object.assign(byId("overview").style, {width: layout.width - layout.gutter - layout.right + "px", marginRight: layout.right + "px"});
    stack.stick();
    changed(true);
  }

  build();
  built = true;
  show();
  listenToPanels(host, axis);
  listenToOverview(byId("overview"), axis);
  listenToKeys(axis);
  if (byId("media")) listenToPlayer(byId("media"), axis);
  const save = offerSaving(stack, sources, view, listenToPrinter(stack, view));
  offerArranging(host, stack, save);
  offerKeys();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", build);
  onNewWidth(host, build);
  keep = keepTime(axis);
  address.updateLinks();
  search = await offerColumns(sources, insert);
  ready = true;
  document.documentElement.dataset.ready = Math.round(performance.now());
}
