"use strict";
// The page of one video; in a frame of the page that compares two videos, it only posts its data.

if (location.hash === "#data") {
  // Pages on a disk have no origin, and no other page can frame them.
  parent.postMessage(byId("data").textContent, location.protocol === "file:" ? "*" : location.origin);
} else {
  unpack(byId("data").textContent).then(data => timeline([{data, base: "../"}]));
}
