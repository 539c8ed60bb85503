"use strict";
// What every page with charts needs.

const byId = id => document.getElementById(id);

async function unpack(base64) {
  const bytes = Uint8Array.from(atob(base64.trim()), c => c.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}

/** Calls `build` again whenever the width of an element changes. */
function onNewWidth(host, build) {
  let width = host.clientWidth;
  new ResizeObserver(() => host.clientWidth !== width && (width = host.clientWidth, build())).observe(host);
}
