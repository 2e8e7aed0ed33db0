// Elements, texts and geometry that the page components share. Streamlit takes one text for each component, so this text
// is put before the component's own script.
const make = (tag, properties = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
};
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
const percent = (value) => `${Math.round(100 * value)}%`;

// The item with the smallest value.
const least = (items, value) => items.reduce((best, item) => (value(item) < value(best) ? item : best), items[0]);

// The nearest node in a direction, such as [1, 0] for the right; distance across it counts nine times.
const neighbour = (nodes, from, [dx, dy]) => {
  const ahead = nodes.filter((node) => (node.across - from.across) * dx + (node.up - from.up) * dy > 1e-9);
  const far = (node) => Math.hypot((node.across - from.across) * (dx ? 1 : 9), (node.up - from.up) * (dy ? 1 : 9));
  return least(ahead, far) ?? from;
};

// Path of a module's mark: a triangle for forget, a diamond for shared, a circle otherwise.
const outline = (pen, group, x, y, r) => {
  pen.beginPath();
  if (group === "forget") pen.moveTo(x, y - r * 1.15), pen.lineTo(x + r * 1.1, y + r * 0.85), pen.lineTo(x - r * 1.1, y + r * 0.85);
  else if (group === "shared") pen.moveTo(x, y - r * 1.2), pen.lineTo(x + r * 1.2, y), pen.lineTo(x, y + r * 1.2), pen.lineTo(x - r * 1.2, y);
  else pen.arc(x, y, r, 0, 7);
  pen.closePath();
};

// Brightness of a colour as the browser writes it (rgb or hex), from 0 to 1.
const luminance = (colour) => {
  const hex = colour.match(/^#(..)(..)(..)/)?.slice(1).map((part) => parseInt(part, 16));
  const [red, green, blue] = hex ?? colour.match(/[\d.]+/g)?.map(Number) ?? [255, 255, 255];
  return (0.3 * red + 0.6 * green + 0.1 * blue) / 255;
};
