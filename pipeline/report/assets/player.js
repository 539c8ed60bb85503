"use strict";
// Plays the video, or its sound, at the cursor.

/** Moving the cursor seeks in the video; the playing video moves the cursor. */
function listenToPlayer(media, axis) {
  const {view} = axis, button = byId("play");
  let target = null;

  axis.playing = () => !media.paused && !media.ended;
  axis.seek = second => {
    // Seeking takes a while: meanwhile only the last place of the cursor is kept.
    target = second + 1e-3;
    if (!media.seeking && media.readyState) seek();
  };
  function seek() {
    if (target === null) return;
    media.currentTime = Math.min(target, media.duration || view.end);
    target = null;
  }

  function show() {
    const second = media.currentTime, span = view.max - view.min;
    if (media.seeking) return;
    if (second < view.min || second >= view.max && second < view.end) axis.see(second, second + span);
    axis.point(second, true);
  }

  function follow() {
    if (!axis.playing()) return;
    show();
    requestAnimationFrame(follow);
  }

  function toggle() {
    if (!media.error) axis.playing() ? media.pause() : media.play().catch(() => {});
  }

  function failed() {
    const name = media.getAttribute("aria-label");
    media.hidden = button.hidden = true;
    byId("bar").classList.remove("plays");
    byId("bar").before(element("p", {className: "notice", textContent: `This browser cannot play ${name}: the file was moved, or its format is unknown to the browser.`}));
  }

  media.addEventListener("loadedmetadata", seek);
  media.addEventListener("seeked", seek);
  media.addEventListener("play", () => (button.textContent = "Pause", follow()));
  for (const end of ["pause", "ended"]) media.addEventListener(end, () => (button.textContent = "Play", show()));
  media.addEventListener("error", failed);
  media.addEventListener("click", toggle);
  media.addEventListener("dblclick", () => media.requestFullscreen?.());
  document.addEventListener("fullscreenchange", () => media.controls = document.fullscreenElement === media);
  button.addEventListener("click", toggle);
  keys.on("space", "play, or pause", [" "], event => event.target.closest("button, summary, a") ? false : toggle());
  if (media.error) failed();
}
