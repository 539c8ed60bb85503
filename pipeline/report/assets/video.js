"use strict";
// The page of one video; in a frame of the page of two videos it hands over what it holds, and draws nothing.

if (location.hash === "#data") {
  // Pages on a disk have no origin that could be named, but nothing else can frame them either.
  parent.postMessage(byId("data").textContent, location.protocol === "file:" ? "*" : location.origin);
} else {
  unpack(byId("data").textContent).then(data => timeline([{data, base: "../"}]));
}
