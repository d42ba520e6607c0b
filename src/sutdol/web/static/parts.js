// The parts of a page, of which one is shown: the one that the address names after its #.
import { $, $$ } from "./dom.js";
import { failed } from "./talk.js";

// parts({ people: async () => {} }): each runs when its part is shown for the first time.
export async function parts(loaders, changed = () => {}) {
  const links = $$(".parts a"), names = links.map((one) => one.hash.slice(1)), loaded = new Set();

  async function show() {
    const asked = location.hash.slice(1), name = names.includes(asked) ? asked : names[0];
    for (const link of links) {
      if (link.hash === `#${name}`) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    for (const one of names) $(`#part-${one}`).hidden = one !== name;
    changed(name);
    if (loaded.has(name)) return;
    loaded.add(name);
    try {
      await loaders[name]?.();
    } catch (error) {
      loaded.delete(name); // whoever comes back tries again
      failed(error);
    }
  }

  addEventListener("hashchange", () => {
    show();
    $("section:not([hidden]) > h2, section:not([hidden]) > .head h2")?.focus();
  });
  await show();
  $("main").removeAttribute("aria-busy");
}
