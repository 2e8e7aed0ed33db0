// Drawing of the circuit explorer: its nodes and edges from the data, their places, and the strokes on the canvas.
const INPUTS = ["q", "k", "v", "other"];
const DRAWN = 3000; // connections drawn at once; of more, the weaker half is a sample
const TABLET = 700; // pixels; on a narrower stage letters are smaller

const parts = (data) => {
  const fields = ["id", "label", "title", "group", "certainty", "score", "forget", "retain", "across", "up", "side", "rank", "column", "level"]; // prettier-ignore
  const nodes = data.nodes.map((row) => Object.fromEntries(row.map((value, i) => [fields[i], value])));
  const edges = data.edges.map(([from, to, side, ...scores]) => ({
    id: `${nodes[from].id}>${nodes[to].id}`, from: nodes[from], to: nodes[to], side, scores,
  })); // prettier-ignore
  assignLanes(edges, data.columns);
  const byId = new Map([...nodes, ...edges].map((one) => [one.id, one]));
  data.supernodes.forEach(([, ...modules], i) => modules.forEach((id) => (byId.get(id).supernode = i + 1)));
  return { nodes, edges, byId };
};

const strength = (edge, inputs) => edge.scores.reduce((sum, score, i) => sum + (inputs[i] ? Math.abs(score) : 0), 0);
const net = (edge, inputs) => edge.scores.reduce((sum, score, i) => sum + (inputs[i] ? score : 0), 0);

// The strongest half, and of the rest as many in even steps.
const sample = (edges) => {
  if (edges.length <= DRAWN) return edges;
  const half = DRAWN / 2, step = (edges.length - half) / half; // prettier-ignore
  return [...edges.slice(0, half), ...Array.from({ length: half }, (_, i) => edges[half + Math.floor(i * step)])];
};

const drawing = (root, stage, canvas, data, { nodes, edges }) => {
  const screen = canvas.getContext("2d");
  let pen = screen;
  const top = Math.max(...nodes.map((node) => Math.abs(node.score)), 1e-9);
  const strongest = edges.reduce((most, edge) => Math.max(most, strength(edge, [1, 1, 1, 1])), 1e-9);
  const style = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  let grid = null, zones = []; // prettier-ignore

  const size = (node) => {
    if (node.side === "end") return 12;
    const least = Math.max(1.2, 0.2 * grid.radius);
    return node.group === "outside" ? least : least + (grid.radius - least) * Math.sqrt(Math.abs(node.score) / top);
  };
  const zone = (level) => zones[level + 1];
  const place = (node) => [grid.x(node.column), grid.y(node.level)];
  const layout = () => {
    const { clientWidth: width, clientHeight: height } = stage;
    if (!width || (grid?.width === width && grid?.height === height)) return;
    grid = measure(width, height, data.columns, data.rows);
    zones = Array(data.rows).fill(REACH * size({ score: 0, group: "outside" }) + 2);
    for (const node of nodes) if (!isMlp(node)) zones[node.level + 1] = Math.max(zones[node.level + 1], REACH * size(node) + 2); // prettier-ignore
    edges.forEach((edge) => (edge.path = edge.points = null));
  };
  const prepare = (edge) => {
    if (edge.path) return edge;
    const curves = route(edge, grid, zone, size);
    const at = (point) => point.map((value) => +value.toFixed(2));
    edge.shape = curves.map(([first, ...rest]) => `M${at(first)}C${rest.map(at).join(" ")}`).join("");
    edge.path = new Path2D(edge.shape);
    edge.points = sampled(curves);
    return edge;
  };

  const stroke = (edge, alpha, width, ink) => {
    pen.globalAlpha = alpha;
    pen.strokeStyle = ink;
    pen.lineWidth = width;
    pen.stroke(pen === screen ? prepare(edge).path : prepare(edge));
  };
  const write = (text, [x, y], align, ink, paper, weight = "") => {
    pen.font = `${weight} ${grid.width < TABLET ? 10 : 12}px ${style("--st-font") || "sans-serif"}`;
    pen.textAlign = align;
    pen.textBaseline = "middle";
    pen.lineWidth = 4;
    pen.lineJoin = "round";
    pen.strokeStyle = paper;
    pen.strokeText(text, x, y);
    pen.fillStyle = ink;
    pen.fillText(text, x, y);
  };

  const connections = (found, state, ink, paper, tone) => {
    const focus = state.selected ?? state.hovered;
    const near = (edge) => edge === focus || edge.from === focus || edge.to === focus;
    const ordered = [...found].reverse();
    for (const edge of [...ordered.filter((edge) => !near(edge)), ...ordered.filter(near)]) {
      const share = Math.sqrt(strength(edge, state.inputs) / strongest);
      const width = (grid.width < TABLET ? 0.6 : 0.8) + (grid.width < TABLET ? 3 : 4.4) * share;
      if (edge === state.selected || edge === state.hovered) stroke(edge, 0.3, width + 7, ink);
      pen.setLineDash(edge.side === "there" ? [2, 4] : net(edge, state.inputs) > 0 ? [7, 3] : []);
      if (near(edge)) stroke(edge, 0.9, width + 4, paper);
      stroke(edge, near(edge) ? 1 : (0.35 + 0.6 * share) * (focus ? 0.22 : 1), width, tone(edge));
      pen.setLineDash([]);
    }
    pen.globalAlpha = 1;
  };
  const mark = (node, state, ink, paper) => {
    const [x, y] = place(node);
    const dim = !state.kept(node);
    outline(pen, node.group, x, y, size(node));
    pen.globalAlpha = 1;
    pen.fillStyle = paper;
    pen.fill();
    pen.globalAlpha = dim ? 0.12 : data.compare ? { both: 1, here: 0.55, there: 0, out: 0.15 }[node.side] : 0.15 + 0.85 * node.certainty;
    pen.fillStyle = data.colours[node.group];
    pen.fill();
    const chosen = node === state.selected || node === state.hovered;
    pen.globalAlpha = dim && !chosen ? 0.3 : 1;
    pen.lineWidth = node === state.selected || state.pinned.has(node) ? 3 : Math.min(1.5, 0.2 * grid.radius);
    pen.strokeStyle = chosen ? ink : data.colours[node.group];
    pen.setLineDash(data.compare && node.side === "there" ? [3, 2] : []);
    pen.stroke();
    pen.setLineDash([]);
    pen.globalAlpha = 1;
  };
  // A ring, and the number that the legend explains.
  const badge = (node, ink, paper) => {
    const [x, y] = place(node), r = size(node) + 5, away = r * Math.SQRT1_2 + 4; // prettier-ignore
    pen.beginPath();
    pen.arc(x, y, r, 0, 7);
    pen.lineWidth = 1.6;
    pen.strokeStyle = ink;
    pen.stroke();
    pen.beginPath();
    pen.arc(x + away, y - away, 7, 0, 7);
    pen.fillStyle = ink;
    pen.fill();
    pen.font = `600 10px ${style("--st-font") || "sans-serif"}`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillStyle = paper;
    pen.fillText(node.supernode, x + away, y - away + 0.5);
  };
  const axes = (state, ink, paper) => {
    let last = Infinity;
    for (const { text, level } of data.layers) {
      if (last - grid.y(level) < 13) continue;
      last = grid.y(level);
      write(text, [46, last], "right", ink, paper);
    }
    const every = Math.ceil(22 / grid.pitch.x);
    data.heads.forEach((text, column) => column % every || write(text, [grid.x(column), grid.height - 12], "center", ink, paper));
    for (const end of nodes.filter((node) => node.side === "end")) {
      const [x, y] = place(end);
      pen.font = `600 ${grid.width < TABLET ? 11 : 13}px ${style("--st-font") || "sans-serif"}`;
      const half = pen.measureText(end.title).width / 2 + 10;
      pen.beginPath();
      pen.roundRect(x - half, y - 12, 2 * half, 24, 7);
      pen.fillStyle = paper;
      pen.fill();
      pen.lineWidth = end === state.selected ? 3 : 1.3;
      pen.strokeStyle = pen.fillStyle = ink;
      pen.stroke();
      pen.textAlign = "center";
      pen.textBaseline = "middle";
      pen.fillText(end.title, x, y + 1);
    }
  };

  // state: selected, hovered, pinned, kept(node), inputs, frame {scale, x, y}; returns how many connections are drawn.
  const draw = (found, state) => {
    layout();
    if (!grid) return 0;
    const ratio = window.devicePixelRatio || 1, shown = sample(found); // prettier-ignore
    if (canvas.width !== Math.round(grid.width * ratio) || canvas.height !== Math.round(grid.height * ratio))
      Object.assign(canvas, { width: Math.round(grid.width * ratio), height: Math.round(grid.height * ratio) });
    const ink = style("--st-text-color"), paper = style("--st-background-color"), dark = luminance(paper) < 0.4; // prettier-ignore
    pen.globalAlpha = 1;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.fillStyle = paper;
    pen.fillRect(0, 0, canvas.width, canvas.height);
    const { scale, x, y } = state.frame;
    pen.setTransform(ratio * scale, 0, 0, ratio * scale, ratio * x, ratio * y);
    const tone = (edge) => data.signs[net(edge, state.inputs) > 0 ? "opposes" : "supports"][dark ? 1 : 0];
    connections(shown, state, ink, paper, tone);
    axes(state, ink, paper);
    nodes.forEach((node) => node.side === "end" || mark(node, state, ink, paper));
    nodes.forEach((node) => node.supernode && badge(node, ink, paper));
    for (const node of nodes)
      if (node === state.selected || state.pinned.has(node))
        node.side === "end" || write(node.title, [place(node)[0], place(node)[1] - size(node) - (node.supernode ? 22 : 12)], "center", ink, paper, "600");
    return shown.length;
  };
  // The whole drawing with its legend as SVG text.
  const svg = (found, state, legend) => {
    const height = grid.height + ROW * legend.length + 10, ink = style("--st-text-color"), paper = style("--st-background-color"); // prettier-ignore
    pen = svgPen(grid.width, height, screen);
    try {
      draw(found, { ...state, hovered: null, frame: { scale: 1, x: 0, y: 0 } });
      pen.font = `12px ${style("--st-font") || "sans-serif"}`;
      const tone = (kind) => data.signs[kind]?.[luminance(paper) < 0.4 ? 1 : 0] ?? ink;
      legendOf(pen, legend, grid.height, data.colours, tone, ink, paper);
      return pen.text();
    } finally {
      pen = screen;
    }
  };
  const nearest = (found, point) => {
    const edge = least(sample(found), (one) => distance(prepare(one).points, point));
    return edge && [edge, distance(edge.points, point)];
  };
  const routes = (found) => found.map((edge) => [edge.from.id, edge.to.id, sampled(route(edge, grid, zone, size), 60)]);
  return { draw, svg, place, size, nearest, routes };
};
