// Pushes news into a page: the server sends the body anew, and what differs is changed in place, so that focus, scrolling
// and a selection stay. Without this file pages are complete, and as of when they were loaded.
"use strict";
(() => {
  const live = document.getElementById("live");
  const liveness = document.getElementById("liveness");
  if (!live || !window.EventSource) return;
  let source;
  let again;

  const say = (text) => {
    if (liveness.textContent !== text) liveness.textContent = text;
  };

  function morph(from, to) {
    const wanted = [...to.childNodes];
    wanted.forEach((next, at) => {
      const here = from.childNodes[at];
      if (!here) {
        from.append(next);
      } else if (here.nodeType !== next.nodeType || here.nodeName !== next.nodeName) {
        here.replaceWith(next);
      } else if (here.nodeType !== Node.ELEMENT_NODE) {
        if (here.data !== next.data) here.data = next.data;
      } else {
        for (const { name } of [...here.attributes]) if (!next.hasAttribute(name)) here.removeAttribute(name);
        for (const { name, value } of next.attributes) if (here.getAttribute(name) !== value) here.setAttribute(name, value);
        morph(here, next);
      }
    });
    while (from.childNodes.length > wanted.length) from.lastChild.remove();
  }

  function open() {
    clearTimeout(again);
    source = new EventSource(location.href);
    source.onmessage = ({ data }) => {
      const news = new DOMParser().parseFromString(data, "text/html");
      morph(live, news.body);
      say("Live.");
    };
    source.onerror = () => {
      const gone = source.readyState === EventSource.CLOSED;
      say(gone ? "Not live: reload the page; you may have to sign in again." : "Not live: the control plane is asked again.");
      if (gone) again = setTimeout(open, 15000);
    };
  }

  function close() {
    clearTimeout(again);
    // A page that was opened out of sight has none yet.
    source?.close();
  }

  // A browser has six connections for all of its tabs: one that nobody sees needs none.
  document.addEventListener("visibilitychange", () => {
    close();
    if (!document.hidden) open();
  });
  window.addEventListener("pagehide", close);
  if (!document.hidden) open();
})();
