// Refreshes the page quietly and copies remedies. Everything else works without it.
"use strict";
(() => {
  const every = 15000, patience = 10000;
  const main = document.getElementById("main");
  const notice = document.getElementById("notice");
  const pause = document.getElementById("pause");
  let timer = 0, busy = false, paused = false;

  // Keep what people or this script have changed since the page was loaded.
  const kept = (element, attribute) =>
    attribute === "open" && element.nodeName === "DETAILS" || attribute === "hidden" && element.nodeName === "BUTTON";

  // Change only what differs: focus, selection, scrolling and opened details stay.
  const update = (old, fresh) => {
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.data !== fresh.data) old.data = fresh.data;
      return;
    }
    for (const { name, value } of fresh.attributes) {
      if (!kept(old, name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    for (const { name } of [...old.attributes]) {
      if (!kept(old, name) && !fresh.hasAttribute(name)) old.removeAttribute(name);
    }
    updateChildren(old, fresh);
  };

  const updateChildren = (old, fresh) => {
    const named = new Map([...old.children].filter(child => child.id).map(child => [child.id, child]));
    let at = old.firstChild;
    for (const child of [...fresh.childNodes]) {
      const twin = child.id ? named.get(child.id) : at && !at.id && at.nodeName === child.nodeName ? at : undefined;
      if (!twin || twin.nodeName !== child.nodeName) {
        old.insertBefore(child, at);
        continue;
      }
      if (twin === at) at = at.nextSibling;
      else old.insertBefore(twin, at);
      update(twin, child);
    }
    while (at) {
      const next = at.nextSibling;
      at.remove();
      at = next;
    }
  };

  // Times in the zone of the reader, with UTC beside them. Without this script they are in UTC.
  const localize = root => {
    for (const element of root.querySelectorAll("time[datetime]")) {
      const at = new Date(element.dateTime);
      if (!element.textContent.endsWith(" UTC") || isNaN(at) || !at.getTimezoneOffset()) continue;
      const here = at.toLocaleString("sv-SE", { timeZoneName: "short" });
      element.textContent = here + " (" + element.textContent + ")";
    }
  };

  const replace = text => {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    localize(fresh);
    const focused = document.activeElement;
    updateChildren(main, fresh.getElementById("main"));
    document.getElementById("as-of").replaceWith(fresh.getElementById("as-of"));
    if (focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
    if (document.title !== fresh.title) {
      document.title = fresh.title;
      say(fresh.title);
    } else if (notice.className === "lost") say("");
    offerCopies();
  };

  const say = (text, className = "") => {
    notice.className = className;
    if (notice.textContent !== text) notice.textContent = text;
  };

  const refresh = async () => {
    clearTimeout(timer);
    if (busy || paused || document.hidden) return;
    busy = true;
    try {
      const answer = await fetch(location.href, { signal: AbortSignal.timeout(patience), cache: "no-store" });
      if (!answer.ok) throw new Error(answer.statusText);
      const text = await answer.text();
      if (!paused) replace(text);
    } catch {
      const asOf = document.getElementById("as-of").textContent;
      say("The exporter does not answer. This page shows the state as of " + asOf + ".", "lost");
    }
    busy = false;
    timer = setTimeout(refresh, every);
  };

  const offerCopies = () => {
    for (const button of main.querySelectorAll("button.copy[hidden]")) button.hidden = false;
  };

  // The clipboard API exists only over HTTPS and on localhost; elsewhere the old command copies the selection.
  const copy = async button => {
    const source = button.previousElementSibling;
    const selection = getSelection();
    selection.selectAllChildren(source);
    let done;
    if (navigator.clipboard) {
      done = await navigator.clipboard.writeText(source.textContent).then(() => true, () => false);
    }
    if (!done) done = document.execCommand("copy");
    button.textContent = done ? "Copied" : "Press Ctrl+C";
    say(done ? "Copied." : "The text is selected.");
    setTimeout(() => { button.textContent = "Copy"; say(""); }, 3000);
  };

  main.addEventListener("click", event => {
    const button = event.target.closest("button.copy");
    if (button) copy(button);
  });
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", paused);
    refresh();
  });
  document.addEventListener("visibilitychange", refresh);
  pause.hidden = false;
  offerCopies();
  localize(document);
  timer = setTimeout(refresh, every);
})();
