"use strict";
// Writes a figure as a PDF page of its size, with vector lines and with text in Helvetica.

const POINTS_PER_PX = 0.75;
const ASCII = new TextEncoder();

const deflated = async bytes =>
  new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"))).arrayBuffer());

// The characters 128 to 159 of Windows-1252, the encoding of PDF's fonts, whose numbers differ from Unicode.
const WINDOWS_1252 = "\u20ac\0\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\0\u017d\0\0\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\0\u017e\u0178";

/** A text as the content of a PDF string; null if the fonts lack one of its characters. */
function pdfText(text) {
  let out = "";
  for (const sign of text.replaceAll("\u2212", "\u2013")) {
    const point = sign.codePointAt(0), special = WINDOWS_1252.indexOf(sign);
    const code = point >= 32 && point < 127 || point >= 160 && point < 256 ? point : special >= 0 && point ? 128 + special : null;
    if (code === null) return null;
    out += code < 127 && !"()\\".includes(sign) ? sign : "\\" + code.toString(8).padStart(3, "0");
  }
  return out;
}

/** A text as a sharp image, for letters that the fonts lack. */
function textImage(mark) {
  const sharp = 6, width = Math.ceil(widthOf(mark.text, mark)) + 2, height = mark.size * 1.5;
  const image = Object.assign(document.createElement("canvas"), {width: width * sharp, height: height * sharp});
  const ctx = image.getContext("2d");
  ctx.scale(sharp, sharp);
  paintMark(ctx, {...mark, x: 1, y: mark.size, align: "left"});
  const x = mark.x - 1 - {right: width - 2, center: (width - 2) / 2}[mark.align] || mark.x - 1;
  return {kind: "image", image, from: [0, 0, image.width, image.height], x, y: mark.y - mark.size, width, height, smooth: true};
}

/** The red, green and blue of a canvas on white. */
function onWhite(canvas) {
  const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height), rgb = new Uint8Array(data.length / 4 * 3);
  for (let i = 0, k = 0; i < data.length; i += 4)
    for (let c = 0; c < 3; c++) rgb[k++] = Math.round(255 + (data[i + c] - 255) * data[i + 3] / 255);
  return rgb;
}

/** Collects the drawing operators of the page, and the images and opacities that they use. */
function pdfPage() {
  const lines = [], images = new Map(), opacities = new Map();
  const number = value => String(Number(value.toFixed(3)));
  const write = (operator, ...numbers) => lines.push([...numbers.map(number), operator].join(" "));
  const paint = (operator, colour) => {
    const [rgb, opacity] = rgbaOf(colour), key = number(opacity);
    if (!opacities.has(key)) opacities.set(key, `G${opacities.size}`);
    lines.push(`/${opacities.get(key)} gs`);
    write(operator, ...rgb.map(c => c / 255));
  };
  const trace = points => points.forEach(([x, y], i) => write(i ? "l" : "m", x, y));
  const draw = {
    rect({x, y, width, height, fill}) {
      paint("rg", fill);
      write("re", x, y, width, height);
      write("f");
    },
    area({points, fill}) {
      paint("rg", fill);
      trace(points);
      write("f");
    },
    line({points, stroke, thick}) {
      paint("RG", stroke);
      write("w", thick);
      trace(points);
      write("S");
    },
    text(mark) {
      const text = pdfText(mark.text);
      if (text === null) return draw.image(textImage(mark));
      const back = {right: 1, center: 0.5}[mark.align] ?? 0, x = mark.x - back * widthOf(mark.text, mark);
      paint("rg", mark.fill);
      lines.push(`BT /${mark.bold ? "B" : "R"} ${number(mark.size)} Tf 1 0 0 -1 ${number(x)} ${number(mark.y)} Tm (${text}) Tj ET`);
    },
    image({image, from: [left, top, wide, high], x, y, width, height, smooth}) {
      if (!images.has(image)) images.set(image, {name: `I${images.size}`, smooth});
      const [across, down] = [width / wide, height / high];
      write("q");
      write("re", x, y, width, height);
      lines.push("W n");
      write("cm", image.width * across, 0, 0, -image.height * down, x - left * across, y + (image.height - top) * down);
      lines.push(`/${opaque()} gs /${images.get(image).name} Do Q`);
    },
    group({x, y, clip, marks}) {
      write("q");
      write("cm", 1, 0, 0, 1, x, y);
      if (clip) {
        write("re", 0, 0, ...clip);
        lines.push("W n");
      }
      marks.forEach(mark => draw[mark.kind](mark));
      write("Q");
    },
  };
  const opaque = () => opacities.get("1") ?? (opacities.set("1", `G${opacities.size}`), opacities.get("1"));
  return {lines, images, opacities, draw, number};
}

/** An image as a PDF object: JPEG as it is, anything else as pixels. */
async function pdfImage(image, smooth) {
  const dictionary = `/Type /XObject /Subtype /Image /Width ${image.width} /Height ${image.height} /ColorSpace /DeviceRGB /BitsPerComponent 8 /Interpolate ${Boolean(smooth)}`;
  if (image instanceof HTMLCanvasElement) return {dictionary: `${dictionary} /Filter /FlateDecode`, bytes: await deflated(onWhite(image))};
  const bytes = Uint8Array.from(atob(image.src.split(",")[1]), sign => sign.charCodeAt(0));
  return {dictionary: `${dictionary} /Filter /DCTDecode`, bytes};
}

/** The PDF file of a figure. */
async function pdfOf({width, height, marks}, title) {
  const page = pdfPage(), {number} = page, [across, down] = [width, height].map(side => side * POINTS_PER_PX);
  page.lines.push(`${POINTS_PER_PX} 0 0 -${POINTS_PER_PX} 0 ${number(down)} cm`);
  page.draw.group({x: 0, y: 0, marks});
  const objects = [], add = (dictionary, bytes) => objects.push({dictionary, bytes});
  const utf16 = [..."\ufeff" + title].flatMap(sign => sign.split("")).map(unit => unit.charCodeAt(0).toString(16).padStart(4, "0")).join("");
  add("/Type /Catalog /Pages 2 0 R");
  add("/Type /Pages /Kids [3 0 R] /Count 1");
  const used = [...page.images.values()].map(({name}, i) => `/${name} ${8 + i} 0 R`).join(" ");
  const states = [...page.opacities].map(([opacity, name]) => `/${name} << /ca ${opacity} /CA ${opacity} >>`).join(" ");
  add(`/Type /Page /Parent 2 0 R /MediaBox [0 0 ${number(across)} ${number(down)}] /Contents 4 0 R `
    + `/Resources << /Font << /R 5 0 R /B 6 0 R >> /XObject << ${used} >> /ExtGState << ${states} >> >>`);
  add("/Filter /FlateDecode", await deflated(ASCII.encode(page.lines.join("\n"))));
  for (const font of ["Helvetica", "Helvetica-Bold"]) add(`/Type /Font /Subtype /Type1 /BaseFont /${font} /Encoding /WinAnsiEncoding`);
  add(`/Title <${utf16}> /Creator (avcues)`);
  for (const [image, {smooth}] of page.images) {
    const {dictionary, bytes} = await pdfImage(image, smooth);
    add(dictionary, bytes);
  }
  const parts = [], offsets = [];
  let at = 0;
  const put = part => {
    const bytes = typeof part === "string" ? ASCII.encode(part) : part;
    parts.push(bytes);
    at += bytes.length;
  };
  put("%PDF-1.4\n");
  objects.forEach(({dictionary, bytes}, i) => {
    offsets.push(at);
    put(`${i + 1} 0 obj\n<< ${dictionary}${bytes ? ` /Length ${bytes.length}` : ""} >>\n`);
    if (bytes) ["stream\n", bytes, "\nendstream\n"].forEach(put);
    put("endobj\n");
  });
  const table = at;
  put(`xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${offsets.map(offset => `${String(offset).padStart(10, "0")} 00000 n \n`).join("")}`);
  put(`trailer\n<< /Size ${objects.length + 1} /Root 1 0 R /Info 7 0 R >>\nstartxref\n${table}\n%%EOF\n`);
  return new Blob(parts, {type: "application/pdf"});
}
