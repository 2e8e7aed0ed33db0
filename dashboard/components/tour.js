// The object of a tour step: scrolled below the strip, marked, and followed while the page is still being drawn. In the
// form for presenters also the clock and the keys of a remote control. Triggers: next, back.
const LOOK_MS = 250, TRIES = 6, GAP = 16;

export default function ({ data, setTriggerValue, parentElement }) {
  const main = document.querySelector("[data-testid=stMain]");
  const state = { tries: 0, top: null, touched: false, began: 0, clicked: false };
  const strip = () => document.querySelector(".st-key-tour");
  const target = () => document.querySelector(data.shows);
  const bar = parentElement.querySelector(".left");

  const mark = (found) => {
    document.querySelectorAll("[data-toured]").forEach((one) => one !== found && one.removeAttribute("data-toured"));
    found.setAttribute("data-toured", "");
  };
  const scroll = (found) => {
    const { top, bottom } = found.getBoundingClientRect();
    const free = strip().getBoundingClientRect().bottom + GAP;
    const settled = state.top === top;
    state.top = top;
    if (!settled || (top >= free - 1 && (bottom <= innerHeight || top <= free + 1))) return;
    state.tries += 1;
    const smooth = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    main.scrollBy({ top: top - free, behavior: smooth ? "smooth" : "auto" });
  };
  const count = () => {
    if (!data.seconds || !state.began) return;
    const passed = (performance.now() - state.began) / 1000;
    bar.style.width = `${Math.max(0, 100 - (100 * passed) / data.seconds)}%`;
    if (passed >= data.seconds) go("next");
  };
  const go = (where) => {
    if (state.clicked) return;
    state.clicked = true;
    setTriggerValue(where, true);
  };
  const look = () => {
    const found = target();
    if (!found || !strip()) return;
    mark(found);
    state.began ||= performance.now();
    if (!state.touched && state.tries < TRIES) scroll(found);
    count();
  };
  const touch = () => (state.touched = true);
  const press = (event) => {
    const where = { PageDown: "next", PageUp: "back" }[event.key];
    if (!data.presented || !where || event.target.closest?.("input, textarea, [role=listbox]")) return;
    event.preventDefault();
    go(where);
  };

  bar.parentElement.hidden = !data.presented;
  bar.style.width = "100%";
  const clock = setInterval(look, LOOK_MS);
  const listeners = [["wheel", touch], ["touchmove", touch], ["keydown", press]];
  listeners.forEach(([name, act]) => document.addEventListener(name, act, { passive: name !== "keydown" }));
  return () => {
    clearInterval(clock);
    listeners.forEach(([name, act]) => document.removeEventListener(name, act));
    document.querySelectorAll("[data-toured]").forEach((one) => one.removeAttribute("data-toured"));
  };
}
