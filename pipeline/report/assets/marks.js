"use strict";
// The parts of a drawing, the same on screen, on paper and in files: rectangles, images, lines, areas and text.
// A mark is {kind, ...}: "rect" {x, y, width, height, fill}; "image" {image, from: [x, y, width, height], x, y, width, height,
// smooth}; "line" {points, stroke, thick}; "area" {points, fill}; "text" {text, x, y, size, fill, bold, align};
// "group" {x, y, clip: [width, height] or none, marks}. Lengths are CSS pixels; points are lists of [x, y].

const fontOf = ({size, bold}) => `${bold ? "650 " : ""}${size}px ${FAMILY}`;

/** Width of a text in pixels. */
const widthOf = (() => {
  const ctx = document.createElement("canvas").getContext("2d");
  return (text, look) => (ctx.font = fontOf(look), ctx.measureText(text).width);
})();

/** A colour (#rgb, #rrggbb, #rrggbbaa, rgb(...)) as [red, green, blue] to 255, and an opacity. */
function rgbaOf(colour) {
  if (!colour.startsWith("#")) {
    const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number);
    return [[r, g, b], a];
  }
  const hex = colour.length < 6 ? [...colour.slice(1)].map(digit => digit + digit) : colour.slice(1).match(/../g);
  const [r, g, b, a = 255] = hex.map(pair => parseInt(pair, 16));
  return [[r, g, b], a / 255];
}

function paintMark(ctx, mark) {
  if (mark.kind === "rect") {
    ctx.fillStyle = mark.fill;
    ctx.fillRect(mark.x, mark.y, mark.width, mark.height);
  } else if (mark.kind === "image") {
    ctx.imageSmoothingEnabled = Boolean(mark.smooth);
    ctx.drawImage(mark.image, ...mark.from, mark.x, mark.y, mark.width, mark.height);
  } else if (mark.kind === "text") {
    Object.assign(ctx, {font: fontOf(mark), fillStyle: mark.fill, textAlign: mark.align ?? "left"});
    ctx.fillText(mark.text, mark.x, mark.y);
  } else if (mark.kind === "group") {
    ctx.save();
    ctx.translate(mark.x, mark.y);
    if (mark.clip) {
      ctx.beginPath();
      ctx.rect(0, 0, ...mark.clip);
      ctx.clip();
    }
    mark.marks.forEach(inner => paintMark(ctx, inner));
    ctx.restore();
  } else {
    ctx.beginPath();
    mark.points.forEach(([x, y], i) => i ? ctx.lineTo(x, y) : ctx.moveTo(x, y));
    if (mark.kind === "area") Object.assign(ctx, {fillStyle: mark.fill}).fill();
    else Object.assign(ctx, {strokeStyle: mark.stroke, lineWidth: mark.thick}).stroke();
  }
}

/** Paints marks into the plotting area of a chart. */
function paintInto({ctx, bbox}, marks) {
  ctx.save();
  ctx.translate(bbox.left, bbox.top);
  ctx.scale(devicePixelRatio, devicePixelRatio);
  paintMark(ctx, {kind: "group", x: 0, y: 0, clip: [bbox.width / devicePixelRatio, bbox.height / devicePixelRatio], marks});
  ctx.restore();
}
