"use strict";
// Functions for every page with charts.

const byId = id => document.getElementById(id);

const gunzip = base64 => {
  const bytes = Uint8Array.from(atob(base64.trim()), c => c.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")));
};
const unpack = base64 => gunzip(base64).json();
const inflate = async base64 => new Uint8Array(await gunzip(base64).arrayBuffer());

/** Whether a key is meant for the page, not for an input field or the browser. */
const forPage = event => !(event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select, input:not([type=checkbox])"));

/** Calls `build` again whenever the width of an element changes. */
function onNewWidth(host, build) {
  let width = host.clientWidth;
  new ResizeObserver(() => host.clientWidth !== width && (width = host.clientWidth, build())).observe(host);
}
