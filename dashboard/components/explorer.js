// Circuit explorer: layers go up, heads go across. Filters work here without a rerun; Python receives the selection and
// the view. State: selected (id of a module, or "source>target" of a connection), view (text, see explorer.py).
const SNAP = 14; // pixels around a module in which a click selects it
const SNAP_EDGE = 7; // pixels around a connection

export default function ({ data, setStateValue, parentElement }) {
  const root = parentElement.querySelector(".explorer");
  const fingerprint = JSON.stringify(data);
  if (root.fingerprint === fingerprint) return;
  root.fingerprint = fingerprint;
  root.stop?.();
  performance.mark("explorer-began");

  const texts = data.texts;
  const { nodes, edges, byId } = parts(data);
  const stops = data.curve.map(([count]) => count);
  const all = stops.at(-1) ?? 0;
  const asked = data.view.keep === "circuit" ? data.members : (data.view.keep ?? all);
  const view = { edges: data.view.edges, keep: stops.includes(asked) ? asked : all, only: data.view.keep === "circuit", inputs: INPUTS.map((name) => data.view.inputs.includes(name)) };
  const pinned = new Set();
  let selected = byId.get(data.selected) ?? null;
  let hovered = null;
  let frame = { scale: 1, x: 0, y: 0 };

  // ---------------------------------------------------------------- tools
  const slider = make("input", { type: "range", min: 0, max: edges.length, value: view.edges });
  const shown = make("output", {});
  const keep = make("input", { type: "range", min: 0, max: Math.max(0, stops.length - 1), value: stops.indexOf(view.keep) });
  const faithful = make("output", {});
  faithful.setAttribute("aria-live", "polite");
  const only = make("input", { type: "checkbox", checked: view.only });
  const boxes = INPUTS.map((name, i) => make("input", { type: "checkbox", checked: view.inputs[i] }));
  const find = make("input", { type: "search", placeholder: texts.find });
  find.setAttribute("aria-label", texts.find);
  const options = make("datalist", { id: `modules-${Math.random().toString(36).slice(2)}` });
  options.append(...nodes.map((node) => make("option", { value: node.title })));
  find.setAttribute("list", options.id);
  const button = (text, click) => make("button", { type: "button", textContent: text, onclick: click });
  // In full screen the panel beside the drawing is shown too.
  const board = root.getRootNode().host?.closest("[data-testid=stHorizontalBlock]") ?? root;
  const next = button(texts.next, () => step(1));
  const pin = button(texts.pin, () => toggle(pinned, selected));
  const whole = button(texts.full, () =>
    document.fullscreenElement ? document.exitFullscreen() : board.requestFullscreen(),
  );
  const reset = button(texts.reset, () => {
    Object.assign(view, { edges: data.start, only: false, keep: all, inputs: INPUTS.map(() => true) });
    pinned.clear();
    frame = { scale: 1, x: 0, y: 0 };
    slider.value = view.edges;
    only.checked = false;
    keep.value = stops.length - 1;
    boxes.forEach((box) => (box.checked = true));
    select(null);
    changed();
  });
  const legendRows = [...data.legend, ...data.supernodes.map(([label], i) => [i + 1, label])];
  const exported = () => scene.svg(visible(), { selected, hovered, pinned, kept, inputs: view.inputs }, legendRows);
  const files = data.file ? [button(texts.svg, () => saveSvg(exported(), data.file)), button(texts.png, () => savePng(exported(), data.file))] : []; // prettier-ignore
  const feeds = make("fieldset", {}, make("legend", { textContent: texts.feeds }));
  boxes.forEach((box, i) => feeds.append(make("label", {}, box, texts[INPUTS[i]])));
  const tools = make(
    "details",
    { open: window.innerWidth > 700 },
    make("summary", { textContent: texts.filters }),
    make("div", { className: "tools" },
      make("label", { className: "wide" }, texts.edges, slider, shown),
      data.compare ? make("label", {}, only, texts.only) : make("label", { className: "wide" }, texts.keep, keep, faithful),
      feeds), // prettier-ignore
  );
  const bar = make("div", { className: "bar" }, find, options, next, pin, reset, whole, ...files);
  const canvas = make("canvas");
  const tip = make("div", { className: "tip", hidden: true });
  const stage = make("div", { className: "stage", tabIndex: 0 }, canvas, tip);
  stage.setAttribute("role", "application");
  stage.setAttribute("aria-label", texts.alt);
  const status = make("p", { className: "status" });
  status.setAttribute("aria-live", "polite");
  stage.style.height = `${Math.max(620, Math.min(900, 21 * data.rows))}px`;
  const legend = make("div", { className: "legend" });
  for (const [kind, text] of data.legend) legend.append(make("span", {}, make("i", { className: kind }), text));
  data.supernodes.forEach(([label], i) => legend.append(make("span", {}, make("i", { className: "supernode", textContent: i + 1 }), label)));
  root.replaceChildren(stage, legend, status, bar, tools);

  // ---------------------------------------------------------------- drawing
  const scene = drawing(root, stage, canvas, data, { nodes, edges });
  const kept = (node) => node.side === "end" || (data.compare ? !view.only || node.side !== "out" : node.rank < view.keep);
  const visible = () => {
    const fits = (edge) => strength(edge, view.inputs) > 0 && kept(edge.from) && kept(edge.to);
    const held = (edge) => [edge, edge.from, edge.to].some((one) => one === selected || pinned.has(one));
    return edges.filter((edge, rank) => fits(edge) && (rank < view.edges || held(edge)));
  };
  const draw = () => {
    const found = visible(), drawn = scene.draw(found, { selected, hovered, pinned, kept, inputs: view.inputs, frame }); // prettier-ignore
    const [count, share, random] = data.curve[keep.value] ?? [];
    shown.textContent = fill(drawn < found.length ? texts.sampled : texts.shown, { shown: found.length, drawn, all: edges.length });
    faithful.textContent = count ? fill(random == null ? texts.faithful_alone : texts.faithful, { shown: count, all, share: percent(share), random: percent(random) }) : "";
    root.dataset.shown = found.length;
  };
  let waiting = 0;
  const redraw = () => {
    if (!waiting) waiting = requestAnimationFrame(() => ((waiting = 0), draw()));
  };

  // ---------------------------------------------------------------- interaction
  let timer = 0;
  const changed = () => {
    redraw();
    clearTimeout(timer);
    const inputs = INPUTS.filter((_, i) => view.inputs[i]);
    timer = setTimeout(() => setStateValue("view", [view.edges, view.only ? 1 : view.keep < all ? `k${view.keep}` : 0, ...inputs].join(".")), 600);
  };
  // Selects the next connection of the selected module, or of the selected connection's source or of the whole drawing.
  let base = null;
  const step = (by) => {
    if (!selected?.from) base = selected;
    const own = visible().filter((edge) => !base || edge.from === base || edge.to === base);
    if (own.length) select(own[(own.indexOf(selected) + by + own.length) % own.length]);
  };
  const toggle = (set, node) => {
    if (node) set.has(node) ? set.delete(node) : set.add(node);
    describe();
    redraw();
  };
  const describe = () => {
    pin.disabled = !selected;
    pin.textContent = selected && pinned.has(selected) ? texts.unpin : texts.pin;
    status.textContent = selected ? tooltip(selected).split("\n").slice(0, 2).join(": ") : texts.none;
    root.dataset.selected = selected?.id ?? "";
  };
  const select = (node, notify = true) => {
    selected = node;
    describe();
    redraw();
    if (notify) setStateValue("selected", node?.id ?? "");
  };
  const carried = (edge) =>
    fill(net(edge, view.inputs) > 0 ? texts.tip_opposes : texts.tip_supports, {
      module: edge.from.title, side: edge.to.title, score: Math.abs(net(edge, view.inputs)).toFixed(3),
    }); // prettier-ignore
  const tooltip = (one) => {
    if (one.from) return carried(one);
    if (one.side === "end") return one.title;
    const named = one.supernode ? fill(texts.tip_supernode, { module: data.supernodes[one.supernode - 1][0] }) + "\n" : "";
    return named + fill(data.compare ? texts.tip_compare : texts.tip, {
      module: one.title, group: texts[`group_${one.group}`], side: texts[`side_${one.side}`] ?? "", certainty: percent(one.certainty),
      score: one.score.toFixed(3), forget: percent(one.forget), retain: percent(one.retain),
    }); // prettier-ignore
  };
  const inside = (event) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left - frame.x) / frame.scale, (event.clientY - box.top - frame.y) / frame.scale];
  };
  // The module under the pointer, else the connection, else a module near it.
  const at = (event) => {
    const [x, y] = inside(event);
    const far = (node) => Math.max(0, Math.hypot(scene.place(node)[0] - x, scene.place(node)[1] - y) - scene.size(node));
    const node = least(nodes, far);
    if (far(node) <= 2) return node;
    const [edge, away] = scene.nearest(visible(), [x, y]) ?? [];
    if (edge && away <= SNAP_EDGE && away < far(node)) return edge;
    return far(node) <= SNAP ? node : null;
  };

  slider.oninput = () => ((view.edges = Number(slider.value)), changed());
  keep.oninput = () => ((view.keep = stops[keep.value]), changed());
  only.onchange = () => ((view.only = only.checked), changed());
  boxes.forEach((box, i) => (box.onchange = () => ((view.inputs[i] = box.checked), changed())));
  find.onchange = () => {
    const query = find.value.trim().toLowerCase();
    const node = nodes.find((node) => query && (node.title.toLowerCase() === query || node.id === query)) ??
      nodes.find((node) => query && node.title.toLowerCase().includes(query)) ??
      nodes.find((node) => query && data.supernodes[node.supernode - 1]?.[0].toLowerCase().includes(query)); // prettier-ignore
    if (node) select(node);
    find.value = "";
  };
  let pressed = null;
  stage.onpointerdown = (event) => {
    stage.focus({ preventScroll: true });
    pressed = { x: event.clientX - frame.x, y: event.clientY - frame.y, moved: false };
  };
  stage.onpointermove = (event) => {
    if (pressed && document.fullscreenElement && event.buttons) {
      pressed.moved = true;
      Object.assign(frame, { x: event.clientX - pressed.x, y: event.clientY - pressed.y });
      return redraw();
    }
    const node = at(event);
    canvas.style.cursor = node ? "pointer" : "default";
    if (node !== hovered) (hovered = node), redraw();
    tip.hidden = !node;
    if (!node) return;
    tip.textContent = tooltip(node);
    const [x, y] = [event.clientX - canvas.getBoundingClientRect().left, event.clientY - canvas.getBoundingClientRect().top];
    tip.style.left = `${Math.min(Math.max(4, x + 14), stage.clientWidth - tip.offsetWidth - 4)}px`;
    tip.style.top = `${y + 14 + tip.offsetHeight > stage.clientHeight ? y - tip.offsetHeight - 14 : y + 14}px`;
  };
  stage.onpointerleave = () => ((hovered = null), (tip.hidden = true), redraw());
  stage.onpointerup = (event) => {
    if (pressed && !pressed.moved) select(at(event));
    pressed = null;
  };
  stage.ondblclick = () => toggle(pinned, selected);
  stage.onkeydown = (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (event.key === "Escape" && !document.fullscreenElement) return select(null);
    if (event.key === "c" || event.key === "C") return step(event.key === "c" ? 1 : -1);
    if (event.key === "Enter") return toggle(pinned, selected);
    if (!way) return;
    event.preventDefault();
    select(selected ? neighbour(nodes, selected.to ?? selected, way) : nodes.find((node) => node.side !== "end"));
  };
  stage.addEventListener("wheel", (event) => {
    if (!document.fullscreenElement) return; // zoom must not capture the page's scrolling
    event.preventDefault();
    const box = canvas.getBoundingClientRect();
    const by = Math.min(8, Math.max(1, frame.scale * (event.deltaY < 0 ? 1.15 : 1 / 1.15))) / frame.scale;
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    frame = { scale: frame.scale * by, x: x - (x - frame.x) * by, y: y - (y - frame.y) * by };
    redraw();
  }, { passive: false }); // prettier-ignore
  const full = () => {
    whole.textContent = document.fullscreenElement ? texts.leave_full : texts.full;
    root.classList.toggle("full", !!document.fullscreenElement);
    Object.assign(board.style, document.fullscreenElement ? { background: getComputedStyle(root).getPropertyValue("--st-background-color"), padding: "1rem", overflow: "auto" } : { background: "", padding: "", overflow: "" });
    if (!document.fullscreenElement) frame = { scale: 1, x: 0, y: 0 };
    redraw();
  };
  document.addEventListener("fullscreenchange", full);
  const watcher = new ResizeObserver(redraw);
  watcher.observe(stage);
  const themes = new MutationObserver(redraw);
  themes.observe(document.documentElement, { attributes: true, subtree: false });
  root.stop = () => {
    watcher.disconnect();
    themes.disconnect();
    document.removeEventListener("fullscreenchange", full);
    root.fingerprint = null;
  };
  // For tests and benchmarks: screen position of a module, and the time of the first drawing.
  root.where = (id) => {
    const box = canvas.getBoundingClientRect();
    const one = byId.get(id);
    const [x, y] = one.from ? one.points[Math.floor(one.points.length / 2)] : scene.place(one);
    return [box.left + x * frame.scale + frame.x, box.top + y * frame.scale + frame.y];
  };
  root.routes = () => ({ routes: scene.routes(edges), marks: nodes.map((node) => [node.id, ...scene.place(node), scene.size(node)]) });
  describe();
  draw();
  performance.mark("explorer-painted");
  return () => root.isConnected || root.stop();
}
