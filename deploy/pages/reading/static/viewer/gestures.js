// Wheel, mouse, touch and keys on the canvas.

import { PLANES } from "./planes.js";
import { PRESETS } from "./windowing.js";

const NOTCH_PX = 40; // a wheel's notch is more; a trackpad sends less and adds up
const HU_PER_PX = 3;
const ZOOM_STEP = 1.25;
export const PAGE = 10; // slices that Page up and Page down go
const KEY_HU = 20;
const KEY_PAN_PX = 20;
const RIGHT_BUTTON = 2;
const MIDDLE_BUTTON = 1;

// hovered(voxel or null): the pointer is there.
export function wireGestures(canvas, view, viewport, hovered) {
  wireWheel(canvas, view, viewport);
  wirePointers(canvas, view, viewport, hovered);
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (pressed(event.key, view, viewport)) event.preventDefault();
  });
}

function wireWheel(canvas, view, viewport) {
  let sum = 0;
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    if (event.ctrlKey) {
      viewport.zoomAt(Math.exp(-event.deltaY / 200), event.offsetX, event.offsetY);
      return;
    }
    sum += event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : Math.sign(event.deltaY) * NOTCH_PX;
    if (Math.abs(sum) < NOTCH_PX) return;
    view.step(Math.sign(sum) * view.plane.onward);
    sum = 0;
  }, { passive: false });
}

function wirePointers(canvas, view, viewport, hovered) {
  const held = new Map(); // pointers by id: where each was last
  let drag = null;
  const placeOf = (event) => ({ x: event.offsetX, y: event.offsetY });
  canvas.addEventListener("pointerdown", (event) => {
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    held.set(event.pointerId, placeOf(event));
    drag = dragOf(event.button, view);
    if (held.size === 1) drag.begin?.(placeOf(event), viewport);
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    const now = placeOf(event);
    hovered(viewport.voxelAt(now.x, now.y));
    const before = held.get(event.pointerId);
    if (!before) return;
    if (held.size > 1) pinch(held, event.pointerId, now, view, viewport);
    else drag.move(before, now, viewport);
    held.set(event.pointerId, now);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, (event) => held.delete(event.pointerId));
  }
  canvas.addEventListener("pointerleave", () => hovered(null));
}

// What a drag does: by the button, else by the chosen tool.
function dragOf(button, view) {
  if (button === RIGHT_BUTTON) return DRAGS.window(view);
  if (button === MIDDLE_BUTTON) return DRAGS.pan(view);
  return DRAGS[view.tool](view);
}

const DRAGS = {
  scroll(view) {
    let rest = 0;
    return {
      move(before, now, viewport) {
        const perSlice = Math.min(16, Math.max(3, viewport.canvas.clientHeight / view.count));
        rest += now.y - before.y;
        const steps = Math.trunc(rest / perSlice);
        rest -= steps * perSlice;
        if (steps) view.step(steps * view.plane.onward);
      },
    };
  },
  window: (view) => ({
    move(before, now) {
      const { centre, width } = view.window;
      view.setWindow({ centre: centre + HU_PER_PX * (now.y - before.y), width: width + HU_PER_PX * (now.x - before.x) });
    },
  }),
  pan: (view) => ({
    move(before, now, viewport) {
      panBy(view, viewport, now.x - before.x, now.y - before.y);
    },
  }),
  point: (view) => ({
    begin: (now, viewport) => pointAt(view, viewport, now),
    move: (_before, now, viewport) => pointAt(view, viewport, now),
  }),
};

function panBy(view, viewport, x, y) {
  const { scale } = viewport.placement();
  view.change({ pan: { x: view.pan.x + x / scale, y: view.pan.y + y / scale } });
}

function pointAt(view, viewport, { x, y }) {
  const voxel = viewport.voxelAt(x, y);
  if (voxel) view.movePoint(voxel);
}

// Two fingers: their distance zooms, their middle pans.
function pinch(held, moved, now, view, viewport) {
  const [other] = [...held].filter(([id]) => id !== moved).map(([, place]) => place);
  const before = held.get(moved);
  const distance = (place) => Math.max(1, Math.hypot(place.x - other.x, place.y - other.y));
  panBy(view, viewport, (now.x - before.x) / 2, (now.y - before.y) / 2);
  viewport.zoomAt(distance(now) / distance(before), (now.x + other.x) / 2, (now.y + other.y) / 2);
}

const ARROWS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

// What arrows do, by the chosen tool.
const ARROW_TOOLS = {
  scroll: (view, _viewport, x, y) => view.step(x || y * view.plane.onward),
  window(view, _viewport, x, y) {
    view.setWindow({ centre: view.window.centre + KEY_HU * y, width: view.window.width + KEY_HU * x });
  },
  pan: (view, viewport, x, y) => panBy(view, viewport, KEY_PAN_PX * x, KEY_PAN_PX * y),
  point(view, _viewport, x, y) {
    const { across, down } = view.plane;
    view.movePoint({ [across]: view.point[across] + x, [down]: view.point[down] + (down === "slice" ? -y : y) });
  },
};

// Do what a key says; returns whether it says anything.
function pressed(key, view, viewport) {
  const middle = [viewport.canvas.clientWidth / 2, viewport.canvas.clientHeight / 2];
  const actions = {
    PageUp: () => view.step(-PAGE * view.plane.onward),
    PageDown: () => view.step(PAGE * view.plane.onward),
    Home: () => view.goTo(0),
    End: () => view.goTo(view.count - 1),
    "+": () => viewport.zoomAt(ZOOM_STEP, ...middle),
    "=": () => viewport.zoomAt(ZOOM_STEP, ...middle),
    "-": () => viewport.zoomAt(1 / ZOOM_STEP, ...middle),
    0: () => view.reset(),
    1: () => view.setWindow(PRESETS.lung),
    2: () => view.setWindow(PRESETS.mediastinum),
    ...Object.fromEntries(Object.keys(PLANES).map((name) => [name[0], () => view.showPlane(name)])),
  };
  if (key in ARROWS) ARROW_TOOLS[view.tool](view, viewport, ...ARROWS[key]);
  else if (key in actions) actions[key]();
  else return false;
  return true;
}
