// Keeps the session while somebody works, and logs out, so that no patient stays on a screen, when nobody does.
"use strict";

const ASK_AGAIN_MS = 60_000;
const TELL_AGAIN_MS = 1_000;
const SIGNS = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"];

async function watchSession() {
  const answer = await fetch("/session");
  if (!answer.ok) return;
  const idleMs = 1000 * (await answer.json()).idle_s;
  const otherTabs = new BroadcastChannel("activity"); // they share the session
  let asked = Date.now(), active = asked;

  const note = () => {
    const before = active;
    active = Date.now();
    if (active - before >= TELL_AGAIN_MS) otherTabs.postMessage("active");
    if (active - asked < ASK_AGAIN_MS) return;
    asked = active;
    fetch("/session");
  };
  for (const sign of SIGNS) addEventListener(sign, note, { passive: true, capture: true });
  otherTabs.onmessage = () => { active = Date.now(); };

  const leave = async () => {
    const left = active + idleMs - Date.now();
    if (left > 0) return setTimeout(leave, left);
    await fetch("/logout", { method: "POST" }).catch(() => {});
    location.assign("/login");
  };
  setTimeout(leave, idleMs);
}

if (location.pathname !== "/login") watchSession();
