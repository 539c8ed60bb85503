"use strict";
// Two videos on one time axis: each panel of the first above the same panel of the second, with the same scale.

/** The panels of two videos, with panels of the same title next to each other; notes in each panel which video it shows. */
function sideBySide(sources, panels) {
  panels.forEach((ofVideo, i) => ofVideo.forEach(panel => Object.assign(panel, {video: sources[i].data.video, side: i})));
  const unmatched = [...panels[1]];
  const pairs = panels[0].map(panel => {
    const at = unmatched.findIndex(({title}) => title === panel.title);
    return at < 0 ? [panel] : [panel, ...unmatched.splice(at, 1)];
  });
  pairs.forEach(shareScale);
  return [...pairs.flat(), ...unmatched];
}

/** Gives all series of the same column the same ends of the axis. */
function shareScale(panels) {
  const all = panels.flatMap(({series}) => series);
  for (const column of new Set(all.map(series => series.column))) {
    const same = all.filter(series => series.column === column);
    const low = Math.min(...same.map(series => series.low)), high = Math.max(...same.map(series => series.high));
    same.forEach(series => Object.assign(series, {low, high}));
  }
}

/** The data of the page of a video. A page on a disk cannot be read, but in a frame it can post its data. */
function dataOf(video) {
  const frame = element("iframe", {src: `videos/${encodeURIComponent(video)}.html#data`, hidden: true, title: video});
  return new Promise((done, failed) => {
    addEventListener("message", event => event.source === frame.contentWindow && unpack(event.data).then(done, failed));
    frame.addEventListener("load", () => setTimeout(failed, PATIENCE_MS, new Error(`The page of ${video} cannot be read; make it again with avcues report.`)));
    document.body.append(frame);
  }).finally(() => frame.remove());
}

const PATIENCE_MS = 3000;

/** Fills the lists with all videos, and shows the two named in the address, otherwise the first two. */
async function compare() {
  const lists = ["first", "second"].map(byId), videosInList = [...lists[0].options].map(option => option.value);
  const named = new URLSearchParams(location.hash.slice(1)).getAll("video").filter(video => videosInList.includes(video));
  const videos = [named[0] ?? videosInList[0], named[1] ?? videosInList.find(video => video !== (named[0] ?? videosInList[0])) ?? videosInList[0]];
  const address = videos => {
    const hash = new URLSearchParams(location.hash.slice(1));
    hash.delete("video");
    videos.forEach(video => hash.append("video", video));
    return `#${hash}`;
  };
  lists.forEach((list, i) => {
    list.value = videos[i];
    list.addEventListener("change", () => location.hash = address(lists.map(({value}) => value)));
    Object.assign(byId(`page${i + 1}`), {href: `videos/${encodeURIComponent(videos[i])}.html`, ariaLabel: `page of ${videos[i]}`});
  });
  history.replaceState(null, "", address(videos));
  document.querySelector("h1").textContent = document.title = videos.join(" and ");
  try {
    await timeline((await Promise.all(videos.map(dataOf))).map(data => ({data, base: ""})));
  } catch (error) {
    byId("bar").before(element("p", {className: "notice bad", textContent: error.message}));
  }
}

compare();
