// Routes of connections through the grid of modules: geometry in pixels, without a canvas.
//
// Heads stand in rows, one a layer; the MLP of a layer stands at the right, half a row above its heads. Beside a row of
// heads every connection runs straight up, through its own end or through the gutter between two columns, and bends only
// between rows. So no connection passes the mark of a module that it does not connect.
const REACH = 1.2; // the corner of the widest mark, in radii
const SAMPLES = 10; // points of a route per curve, to find the route under the pointer

// Sizes of a drawing: pixels of columns and rows, the largest mark, and the room beside a gutter's middle.
const measure = (width, height, columns, rows) => {
  const left = 54, top = 24, room = { x: width - left - 14, y: height - top - 58 }; // prettier-ignore
  const pitch = { x: room.x / columns, y: room.y / (rows - 1) };
  const radius = Math.min(17, 0.3 * pitch.x, 0.16 * pitch.y);
  const lane = Math.max(0, Math.min(14, pitch.x / 2 - REACH * radius - 3));
  const x = (column) => left + (column + 0.5) * pitch.x;
  const y = (level) => top + room.y - (level + 1) * pitch.y;
  return { width, height, left, top, pitch, radius, lane, columns, rows, x, y };
};

const isMlp = (node) => node.level % 1 !== 0;

// Rows of heads that a connection passes between its ends.
const passed = ({ from, to }) => [Math.floor(from.level) + 1, Math.ceil(to.level) - 1];

// Column of the gutter that a connection passes these rows in, and the end that it shares the gutter's lane with.
const gutter = ({ from, to }, last) => {
  if (isMlp(from) && isMlp(to)) return to.level - from.level === 1 ? [from.column, null] : [last + 0.5, to];
  const bySource = to.side === "end" || isMlp(to);
  const [near, far] = bySource ? [from, to] : [to, from];
  const column = near.column + (far.column > near.column ? 0.5 : -0.5);
  return [Math.min(last - 0.5, Math.max(-0.5, Math.round(column - 0.5) + 0.5)), near];
};

// Give each connection its gutter and lane; the strongest bundle of a gutter runs in its middle.
const assignLanes = (edges, columns) => {
  const lanes = new Map();
  for (const edge of edges) {
    const [first, last] = passed(edge);
    if (first > last) continue;
    const [column, shared] = gutter(edge, columns - 1);
    if (!lanes.has(column)) lanes.set(column, new Map());
    const own = lanes.get(column);
    if (shared && !own.has(shared)) own.set(shared, own.size);
    edge.gutter = column;
    edge.lane = shared ? own.get(shared) : 0;
  }
};

const laneOffset = (lane, half) => {
  const away = Math.ceil(lane / 2) * 4;
  return (lane % 2 ? 1 : -1) * (away <= half ? away : half ? away % half : 0);
};

// Upright at both ends.
const bend = ([x0, y0], [x1, y1]) => [[x0, y0], [x0, y0 + 0.55 * (y1 - y0)], [x1, y1 - 0.55 * (y1 - y0)], [x1, y1]]; // prettier-ignore
// Level at the first end, upright at the second.
const corner = ([x0, y0], [x1, y1]) => [[x0, y0], [x0 + 0.75 * (x1 - x0), y0], [x1, y0 + 0.25 * (y1 - y0)], [x1, y1]]; // prettier-ignore
const straight = (from, to) => [from, from, to, to];
const reverse = (curve) => [...curve].reverse();

// Curves of a connection, each of four points, from its source to its target.
// zone(level) is half the height of a row, size(node) the radius of a mark.
const route = (edge, grid, zone, size) => {
  const { from, to } = edge, [first, last] = passed(edge); // prettier-ignore
  const through = first <= last, x = through ? grid.x(edge.gutter) + laneOffset(edge.lane, grid.lane) : 0; // prettier-ignore
  const tip = (node, up) => [grid.x(node.column), grid.y(node.level) - up * size(node)];
  const side = (node, toX, shift) => {
    const middle = grid.x(node.column);
    return [middle + Math.sign(toX - middle) * size(node), grid.y(node.level) + shift * size(node)];
  };
  const gate = (level, up) => grid.y(level) - up * zone(level);
  if (isMlp(from) && isMlp(to) && to.level - from.level === 1) return [straight(tip(from, 1), tip(to, -1))];

  const start = through ? [x, gate(first, -1)] : isMlp(to) ? null : [grid.x(to.column), gate(to.level, -1)];
  const end = through ? [x, gate(last, 1)] : isMlp(from) ? null : [grid.x(from.column), gate(from.level, 1)];
  const curves = [];
  if (start && isMlp(from)) curves.push(corner(side(from, start[0], -0.3), start));
  else if (end && !isMlp(from)) {
    const own = [grid.x(from.column), gate(from.level, 1)];
    curves.push(straight(tip(from, 1), own));
    if (start) curves.push(bend(own, start));
  }
  if (through) curves.push(straight(start, end));
  if (isMlp(to)) curves.push(reverse(corner(side(to, end[0], 0.3), end)));
  else {
    const own = [grid.x(to.column), gate(to.level, -1)];
    if (through) curves.push(bend(end, own));
    curves.push(straight(own, tip(to, -1)));
  }
  return curves;
};

const pointOf = ([a, b, c, d], t) => {
  const s = 1 - t, weights = [s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t]; // prettier-ignore
  return [0, 1].map((k) => weights[0] * a[k] + weights[1] * b[k] + weights[2] * c[k] + weights[3] * d[k]);
};
const sampled = (curves, count = SAMPLES) =>
  curves.flatMap((curve) => Array.from({ length: count + 1 }, (_, step) => pointOf(curve, step / count)));

// Distance of a point from a route, between its samples too.
const distance = (points, [x, y]) => {
  let best = Infinity;
  for (let i = 1; i < points.length; i++) {
    const [ax, ay] = points[i - 1], dx = points[i][0] - ax, dy = points[i][1] - ay; // prettier-ignore
    const t = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
    best = Math.min(best, Math.hypot(ax + t * dx - x, ay + t * dy - y));
  }
  return best;
};
