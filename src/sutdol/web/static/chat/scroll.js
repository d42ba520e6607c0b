// Messages that scroll: they follow what comes as long as one looks at their end.
const NEAR = 60; // pixels from the end that still count as its end

export function scroll(log, button) {
  let follows = true;
  const rest = () => log.scrollHeight - log.scrollTop - log.clientHeight;
  const latest = () => { log.scrollTop = log.scrollHeight; follows = true; button.hidden = true; };
  log.addEventListener("scroll", () => {
    follows = rest() < NEAR;
    button.hidden = follows;
  }, { passive: true });
  new ResizeObserver(() => { if (follows) latest(); }).observe(log);
  button.onclick = () => { latest(); log.focus({ preventScroll: true }); };
  return {
    latest,
    follow() { if (follows) latest(); else button.hidden = rest() < NEAR; },
    // Does something above what one reads, which stays where it is.
    kept(deed) {
      const before = rest();
      deed();
      log.scrollTop = log.scrollHeight - log.clientHeight - before;
    },
  };
}
