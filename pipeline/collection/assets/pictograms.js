// Pictograms, drawn for avcues: faces for the quadrants, and figures for five-step scales of valence and arousal.
import { element } from "./page.js";

const svg = (tag, attributes, ...children) => element(`svg:${tag}`, attributes, ...children);

function picture(box, ...parts) {
  return svg("svg", { viewBox: box, class: "pictogram", focusable: "false", "aria-hidden": "true" }, ...parts);
}

/** A face: `pleasant` and `awake` from 0 to 1. */
export function face(pleasant, awake) {
  const bend = (pleasant - 0.5) * 16;
  const open = 1.2 + awake * 2.6;
  const brow = (awake - 0.5) * 3;
  const tilt = (0.5 - pleasant) * (awake > 0.5 ? 6 : -6); // angry above, sad below
  const mouth =
    awake > 0.7 && pleasant > 0.7
      ? svg("path", { d: "M13 25 Q20 36 27 25 Z", class: "filled" })
      : svg("path", { d: `M13 ${27 - bend / 4} Q20 ${27 + bend / 2} 27 ${27 - bend / 4}` });
  return picture(
    "0 0 40 40",
    svg("circle", { cx: 20, cy: 20, r: 16 }),
    svg("ellipse", { cx: 14, cy: 17, rx: 1.8, ry: open, class: "filled" }),
    svg("ellipse", { cx: 26, cy: 17, rx: 1.8, ry: open, class: "filled" }),
    svg("path", { d: `M10.5 ${12 - brow - tilt / 2} L17 ${12 - brow + tilt / 2}` }),
    svg("path", { d: `M29.5 ${12 - brow - tilt / 2} L23 ${12 - brow + tilt / 2}` }),
    mouth,
  );
}

/** A figure for step 0 to 4 of a scale. */
export function figure(scale, step) {
  const part = step / 4;
  const body = [
    svg("path", { d: "M14 62 V44 Q14 34 24 34 H36 Q46 34 46 44 V62 Z" }),
    svg("rect", { x: 20, y: 8, width: 20, height: 22, rx: 7 }),
  ];
  if (scale === "valence") {
    const bend = (part - 0.5) * 14;
    return picture(
      "0 0 60 66",
      ...body,
      svg("circle", { cx: 26, cy: 16, r: 1.6, class: "filled" }),
      svg("circle", { cx: 34, cy: 16, r: 1.6, class: "filled" }),
      svg("path", { d: `M24.5 ${24 - bend / 3.5} Q30 ${24 + bend / 2} 35.5 ${24 - bend / 3.5}` }),
    );
  }
  const lids = 0.4 + part * 2.4;
  const size = 1.5 + part * 6.5;
  const rays = [];
  for (let i = 0; i < 8 && step > 0; i += 1) {
    const angle = (i * Math.PI) / 4 + Math.PI / 8;
    const from = size + 1.5;
    const to = size + 1.5 + part * 4.5;
    const point = (radius) => `${30 + Math.cos(angle) * radius} ${49 + Math.sin(angle) * radius}`;
    rays.push(svg("path", { d: `M${point(from)} L${point(to)}` }));
  }
  return picture(
    "0 0 60 66",
    ...body,
    svg("ellipse", { cx: 26, cy: 17, rx: 1.8, ry: lids, class: "filled" }),
    svg("ellipse", { cx: 34, cy: 17, rx: 1.8, ry: lids, class: "filled" }),
    svg("path", { d: "M26 24.5 H34" }),
    svg("circle", { cx: 30, cy: 49, r: size, class: step > 2 ? "filled" : "" }),
    ...rays,
  );
}
