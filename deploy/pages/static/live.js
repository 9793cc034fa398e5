// Replaces the parts of the page that the server sends, and says so if it no longer does.
"use strict";

const banner = document.getElementById("connection");

function showBanner(words) {
  banner.textContent = words;
  banner.hidden = words === "";
}

function replacePart(id, html) {
  const part = document.getElementById(id);
  if (!part) return;
  const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
  const scrolled = [...part.querySelectorAll(".scroll[id]")].map((box) => [box.id, box.scrollLeft]);
  part.innerHTML = html;
  for (const [box, left] of scrolled) {
    const found = document.getElementById(box);
    if (found) found.scrollLeft = left;
  }
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  window.drawCharts(part);
}

function follow(address) {
  const source = new EventSource(address);
  source.onmessage = (event) => {
    showBanner("");
    for (const [id, html] of Object.entries(JSON.parse(event.data))) replacePart(id, html);
  };
  source.onerror = () => {
    const since = new Date().toLocaleTimeString();
    const ended = source.readyState === EventSource.CLOSED;
    showBanner(ended ? "You are logged out: reload the page." : `No connection since ${since}; what you see is from then.`);
  };
}

window.drawCharts(document);
if (document.body.dataset.live) follow(document.body.dataset.live);
