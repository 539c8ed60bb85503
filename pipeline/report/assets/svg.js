"use strict";
// Writes a figure as a single SVG file.

const MARKUP = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"};
const escaped = text => String(text).replace(/[&<>"]/g, sign => MARKUP[sign]).replace(/[\0-\x08\x0b\x0c\x0e-\x1f]/g, "");
const short = number => String(Number(number.toFixed(2)));

/** An image as a data URI. */
const uriOf = image => image instanceof HTMLCanvasElement ? image.toDataURL() : image.src;

/** A colour and its opacity as the attributes `name` and `name`-opacity, which all programs understand. */
function paintAttributes(name, colour) {
  const [rgb, opacity] = rgbaOf(colour), hex = "#" + rgb.map(c => Math.round(c).toString(16).padStart(2, "0")).join("");
  return `${name}="${hex}"${opacity < 1 ? ` ${name}-opacity="${short(opacity)}"` : ""}`;
}

function svgMark(mark, clips) {
  const {x, y, width, height} = mark;
  const box = (x, y, width, height) => `x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}"`;
  const path = () => mark.points.map(([x, y], i) => `${i ? "L" : "M"}${short(x)} ${short(y)}`).join("");
  switch (mark.kind) {
    case "rect": return `<rect ${box(x, y, width, height)} ${paintAttributes("fill", mark.fill)}/>`;
    case "image": {
      const {width: whole, height: high} = mark.image, looks = mark.smooth ? "" : ' style="image-rendering:pixelated"';
      return `<svg ${box(x, y, width, height)} viewBox="${mark.from.map(short).join(" ")}" preserveAspectRatio="none">`
        + `<image width="${whole}" height="${high}" preserveAspectRatio="none"${looks} href="${uriOf(mark.image)}"/></svg>`;
    }
    case "text": {
      const anchor = {right: "end", center: "middle"}[mark.align];
      return `<text x="${short(x)}" y="${short(y)}" font-size="${mark.size}"${mark.bold ? ' font-weight="600"' : ""}`
        + `${anchor ? ` text-anchor="${anchor}"` : ""} ${paintAttributes("fill", mark.fill)}>${escaped(mark.text)}</text>`;
    }
    case "group": {
      const inside = mark.marks.map(inner => svgMark(inner, clips)).join("");
      if (!mark.clip) return `<g transform="translate(${short(x)} ${short(y)})">${inside}</g>`;
      const id = `clip${clips.prefix}${clips.push(mark.clip)}`;
      return `<clipPath id="${id}"><rect ${box(x, y, ...mark.clip)}/></clipPath><g clip-path="url(#${id})"><g transform="translate(${short(x)} ${short(y)})">${inside}</g></g>`;
    }
    case "area": return `<path d="${path()}Z" ${paintAttributes("fill", mark.fill)}/>`;
    default: return `<path d="${path()}" fill="none" ${paintAttributes("stroke", mark.stroke)} stroke-width="${short(mark.thick)}"/>`;
  }
}

/** The text of the file; `prefix` keeps its ids distinct from those of other figures on a page. */
function svgOf({width, height, marks}, title, prefix = "") {
  const clips = Object.assign([], {prefix});
  const inside = marks.map(mark => svgMark(mark, clips)).join("\n");
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${short(width)}" height="${short(height)}" viewBox="0 0 ${short(width)} ${short(height)}" `
    + `font-family="${escaped(FAMILY.replaceAll('"', "'"))}" role="img"><title>${escaped(title)}</title>`
    + `<rect width="100%" height="100%" fill="#fff"/>\n${inside}\n</svg>\n`;
}
