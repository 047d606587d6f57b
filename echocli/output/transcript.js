"use strict";
(() => {
  const find = (selector) => document.querySelector(selector);
  const main = find("main"), audio = find("audio"), query = find("#query"), count = find("#count");
  const words = Array.from(main.querySelectorAll("p[data-t] span"));
  const numbers = new Map(words.map((word, number) => [word, number]));

  // Each paragraph has the starts of its words: the first in 1/100 s, then what is added.
  const starts = [];
  for (const paragraph of main.querySelectorAll("p[data-t]")) {
    let at = 0;
    for (const step of paragraph.dataset.t.split(" ")) starts.push((at += Number(step)) / 100);
  }
  // Two sources may speak at once, so the order of the page is not always that of time.
  const order = starts.map((_, number) => number).sort((a, b) => starts[a] - starts[b]);

  // ---- playing
  let playing = null, follows = true;

  const hasSound = () => audio.currentSrc !== "" && audio.error === null;

  const seek = (seconds) => {
    if (!hasSound()) return say("Choose the recording to hear this.");
    audio.currentTime = seconds;
    follows = true;
    audio.play().catch(() => {});
  };

  const wordAt = (seconds) => {
    let low = 0, high = order.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      // The player rounds times to less than this.
      if (starts[order[middle]] <= seconds + 0.005) low = middle + 1; else high = middle;
    }
    return low ? words[order[low - 1]] : null;
  };

  const show = () => {
    const word = wordAt(audio.currentTime);
    if (word === playing) return;
    playing?.classList.remove("now");
    word?.classList.add("now");
    playing = word;
    if (word && follows && !audio.paused) bringIntoView(word);
  };

  const bringIntoView = (word) => {
    const box = word.getBoundingClientRect();
    const top = find(".bar").getBoundingClientRect().bottom;
    if (box.top < top || box.bottom > innerHeight) word.scrollIntoView({ block: "center" });
  };

  const follow = () => {
    show();
    if (!audio.paused) requestAnimationFrame(follow);
  };

  const say = (text) => { find("#said").textContent = text; };

  const tellMissing = () => {
    if (!audio.error) return;
    find("#pick").hidden = false;
    say("The recording is not where it was, or this browser cannot play it. Choose it:");
  };

  audio.addEventListener("play", follow);
  for (const name of ["seeked", "timeupdate"]) audio.addEventListener(name, show);
  audio.addEventListener("error", tellMissing);
  tellMissing();

  find("#recording").addEventListener("change", (event) => {
    const file = event.target.files[0];
    if (!file) return;
    URL.revokeObjectURL(audio.src);
    audio.src = URL.createObjectURL(file);
    audio.hidden = false;
    say("");
  });

  for (const name of ["wheel", "touchmove"]) {
    addEventListener(name, () => { follows = false; }, { passive: true });
  }

  main.addEventListener("click", (event) => {
    const word = event.target.closest("p[data-t] span"), time = event.target.closest("a.time");
    if (word && getSelection().isCollapsed) seek(starts[numbers.get(word)]);
    if (time) {
      event.preventDefault();
      seek(starts[numbers.get(time.parentElement.querySelector("p[data-t] span"))]);
    }
  });

  // ---- searching
  const fold = (text) => text.normalize("NFKC").toLowerCase();
  let folded = null, hits = [], hit = -1;

  const index = () => {
    // What stands between two words, a space or nothing, is part of what can be searched for.
    const offsets = [];
    let text = "";
    for (const word of words) {
      const before = word.previousSibling;
      text += !before || before.nodeType === Node.TEXT_NODE ? " " : "";
      offsets.push(text.length);
      text += fold(word.textContent);
    }
    return { text, offsets };
  };

  const search = () => {
    for (const word of words) word.classList.remove("hit", "here");
    const wanted = fold(query.value.trim()).replace(/\s+/g, " ");
    hits = [];
    hit = -1;
    if (wanted) {
      folded ??= index();
      let first = 0;
      for (let at = folded.text.indexOf(wanted); at >= 0; at = folded.text.indexOf(wanted, at + wanted.length)) {
        while (first + 1 < words.length && folded.offsets[first + 1] <= at) first += 1;
        let last = first;
        while (last + 1 < words.length && folded.offsets[last + 1] < at + wanted.length) last += 1;
        hits.push(words.slice(first, last + 1));
      }
      for (const found of hits) for (const word of found) word.classList.add("hit");
    }
    step(1);
  };

  const step = (by) => {
    for (const word of hits[hit] ?? []) word.classList.remove("here");
    if (hits.length) {
      hit = hit < 0 ? 0 : (hit + by + hits.length) % hits.length;
      for (const word of hits[hit]) word.classList.add("here");
      hits[hit][0].scrollIntoView({ block: "center" });
    }
    const found = hits.length ? `${hit + 1} of ${hits.length}` : "not found";
    count.textContent = query.value.trim() ? found : "";
  };

  query.addEventListener("input", search);
  query.addEventListener("keydown", (event) => {
    if (event.key === "Enter") step(event.shiftKey ? -1 : 1);
    if (event.key === "Escape") { query.value = ""; search(); query.blur(); }
  });
  find("#before").addEventListener("click", () => step(-1));
  find("#after").addEventListener("click", () => step(1));

  // ---- uncertain words
  const doubts = Array.from(document.querySelectorAll(".doubts a"));
  let doubt = -1;

  const go = (number) => {
    const word = doubts.length ? document.getElementById(doubts[number].hash.slice(1)) : null;
    if (!word) return;
    doubt = number;
    location.replace(doubts[number].hash); // marks it, by :target
    word.scrollIntoView({ block: "center" });
    if (hasSound()) seek(starts[numbers.get(word)]);
  };

  doubts.forEach((link, number) => link.addEventListener("click", (event) => {
    event.preventDefault();
    go(number);
  }));

  // ---- keys
  const keys = {
    " ": () => (audio.paused ? audio.play().catch(() => {}) : audio.pause()),
    ArrowLeft: () => { audio.currentTime = Math.max(audio.currentTime - 5, 0); },
    ArrowRight: () => { audio.currentTime += 5; },
    "/": () => query.focus(),
    n: () => go((doubt + 1) % doubts.length),
    p: () => go((Math.max(doubt, 0) - 1 + doubts.length) % doubts.length),
  };

  // The page itself scrolls by these where there is nothing to play.
  const playerKeys = new Set([" ", "ArrowLeft", "ArrowRight"]);

  document.addEventListener("keydown", (event) => {
    if (playerKeys.has(event.key) && (event.shiftKey || !hasSound())) return;
    const own = event.target.closest("input, audio") || (event.key === " " && event.target.closest("button, summary, a"));
    if (own || event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });

  for (const tool of document.querySelectorAll(".scripted")) tool.hidden = false;
})();
