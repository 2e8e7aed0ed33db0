// The drawing as an SVG text: a pen with the methods of a canvas that the drawing uses, and the legend below the drawing.
const ROW = 20; // pixels of a line of the legend

const svgPen = (width, height, ruler) => {
  const marks = [];
  let path = "", dash = ""; // prettier-ignore
  const short = (value) => +value.toFixed(2);
  const quoted = (text) => String(text).replace(/[&<>"'\p{Cc}]/gu, (one) => (one < " " ? " " : `&#${one.codePointAt(0)};`));
  const add = (name, attributes, text) => {
    const listed = Object.entries(attributes).filter(([, value]) => value !== "" && value !== 1);
    marks.push(`<${name}${listed.map(([key, value]) => ` ${key}="${quoted(value)}"`).join("")}${text === undefined ? "/>" : `>${quoted(text)}</${name}>`}`);
  };
  const plain = () => pen.font.replace(/px .*/, "px sans-serif"); // a picture cannot load the page's typeface
  const line = () => ({ stroke: pen.strokeStyle, "stroke-width": short(pen.lineWidth), "stroke-dasharray": dash, "stroke-linejoin": pen.lineJoin ?? "", opacity: short(pen.globalAlpha) }); // prettier-ignore
  const words = (text, x, y, paint) => {
    const anchor = { center: "middle", right: "end" }[pen.textAlign] ?? "start";
    add("text", { x: short(x), y: short(y), dy: "0.35em", "text-anchor": anchor, style: `font:${plain()}`, opacity: short(pen.globalAlpha), ...paint }, text);
  };
  const pen = {
    globalAlpha: 1,
    beginPath: () => (path = ""),
    moveTo: (x, y) => (path += `M${short(x)} ${short(y)}`),
    lineTo: (x, y) => (path += `L${short(x)} ${short(y)}`),
    closePath: () => (path += "Z"),
    // The drawing's arcs are whole circles.
    arc: (x, y, r) => (path += `M${short(x - r)} ${short(y)}a${short(r)} ${short(r)} 0 1 0 ${short(2 * r)} 0a${short(r)} ${short(r)} 0 1 0 ${short(-2 * r)} 0Z`),
    roundRect: (x, y, w, h, r) => (path += `M${short(x + r)} ${short(y)}h${short(w - 2 * r)}a${r} ${r} 0 0 1 ${r} ${r}v${short(h - 2 * r)}a${r} ${r} 0 0 1 ${-r} ${r}h${short(2 * r - w)}a${r} ${r} 0 0 1 ${-r} ${-r}v${short(2 * r - h)}a${r} ${r} 0 0 1 ${r} ${-r}Z`),
    fill: () => add("path", { d: path, fill: pen.fillStyle, opacity: short(pen.globalAlpha) }),
    stroke: (edge) => add("path", { d: edge?.shape ?? path, fill: "none", ...line() }),
    setLineDash: (lengths) => (dash = lengths.join(" ")),
    fillText: (text, x, y) => words(text, x, y, { fill: pen.fillStyle }),
    strokeText: (text, x, y) => words(text, x, y, { fill: "none", stroke: pen.strokeStyle, "stroke-width": pen.lineWidth, "stroke-linejoin": "round" }), // prettier-ignore
    measureText: (text) => ((ruler.font = plain()), ruler.measureText(text)),
    fillRect: () => add("rect", { width, height, fill: pen.fillStyle }),
    setTransform: () => {},
    text: () => `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${marks.join("")}</svg>`,
  };
  return pen;
};

// The legend in lines below the drawing; rows are [kind, text], kind is a group, "supports", "opposes" or a number.
const legendOf = (pen, rows, top, colours, tone, ink, paper) =>
  rows.forEach(([kind, text], i) => {
    const y = top + ROW * (i + 0.5);
    pen.setLineDash(kind === "opposes" ? [7, 3] : []);
    pen.globalAlpha = 1;
    pen.lineWidth = 3;
    pen.strokeStyle = tone(kind);
    pen.fillStyle = colours[kind] ?? ink;
    if (kind === "supports" || kind === "opposes") pen.beginPath(), pen.moveTo(16, y), pen.lineTo(40, y), pen.stroke();
    else outline(pen, kind, 28, y, kind === "outside" ? 3 : 7), pen.fill();
    pen.setLineDash([]);
    pen.textAlign = "center";
    pen.fillStyle = paper;
    if (Number(kind)) pen.fillText(kind, 28, y);
    pen.textAlign = "left";
    pen.fillStyle = ink;
    pen.fillText(text, 50, y);
  });
