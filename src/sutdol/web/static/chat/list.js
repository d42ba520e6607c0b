// The list of conversations beside the messages: found, opened, renamed, taken away and erased.
import { get, patch, remove, url } from "../api.js";
import { $, $$, fill, h, icon } from "../dom.js";
import { failed, field, question, toast } from "../talk.js";
import { t } from "../words.js";

const PATH = "/api/v1/conversations";
const DAY = 86400000, PAUSE = 200; // milliseconds; the pause is one in typing

// `open(id)` shows a conversation, "" a new one; `renamed(conversation)` and `erased(id)` tell of it.
export function conversations({ open, renamed, erased }) {
  const list = $("#list"), more = $("#more"), search = $("#sought"), status = $("#found"), menu = $("#deeds");
  let rows = [], next = null, sought = "", current = "", asked = 0, chosen = null, timer = 0;

  async function load(after = null) {
    const number = ++asked;
    const found = await get(url(PATH, { q: sought, limit: 50, before: after }));
    if (number !== asked) return; // somebody typed on
    const known = new Set(after ? rows.map((one) => one.id) : []);
    rows = [...(after ? rows : []), ...found.data.filter((one) => !known.has(one.id))];
    next = found.next;
    draw();
  }

  function draw() {
    const focused = document.activeElement?.closest?.("#list li")?.dataset.id;
    let last = null;
    fill(list, rows.map((one) => {
      const age = aged(one.updated_at), head = age === last ? null : h("li", { class: "age" }, age);
      last = age;
      return [head, row(one)];
    }));
    const none = sought ? t("No conversation has these words.") : t("Conversations that you begin stay here.");
    fill(status, rows.length ? "" : none);
    more.hidden = !next;
    if (focused) $(`li[data-id="${CSS.escape(focused)}"] a`, list)?.focus();
  }

  function row(one) {
    const name = one.title || t("Without a title");
    const isCurrent = one.id === current ? "page" : null;
    const link = h("a", { href: `/chat/${one.id}`, title: name, "aria-current": isCurrent, onclick: (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      open(one.id);
    } }, name);
    return h("li", { "data-id": one.id }, link, opener(one, t("More about {name}", { name })));
  }

  // The menu is one for all: where it opens, and about what, its button says.
  function opener(one, label) {
    const button = h("button", { type: "button", class: "quiet icon-only", "aria-label": label }, icon("more"));
    return tells(button, () => one);
  }

  function tells(button, which) {
    button.popoverTargetElement = menu;
    button.addEventListener("click", () => {
      chosen = which();
      for (const link of $$("a", menu)) link.href = `${PATH}/${chosen.id}/export?form=${link.dataset.form}`;
      const { left, bottom } = button.getBoundingClientRect();
      menu.style.setProperty("left", `${Math.max(8, Math.min(left, innerWidth - 248))}px`);
      menu.style.setProperty("top", `${Math.min(bottom + 4, innerHeight - 190)}px`);
    });
    return button;
  }

  async function rename(one) {
    const input = h("input", { name: "title", value: one.title, maxLength: 80, autocomplete: "off" });
    const deed = async ({ title }) => put(await patch(`${PATH}/${one.id}`, { title }));
    const fields = [field(t("Title"), input)];
    const values = await question({ title: t("Rename this conversation"), action: t("Rename"), fields, deed });
    if (values) renamed(rows.find(({ id }) => id === one.id));
  }

  async function erase(one) {
    const place = rows.findIndex(({ id }) => id === one.id);
    const title = one.title || t("Without a title");
    const text = t("“{title}” and all that was said in it is erased for good.", { title });
    const deed = () => remove(`${PATH}/${one.id}`);
    const asked = { title: t("Delete this conversation?"), text, action: t("Delete"), danger: true, deed };
    if (!await question(asked)) return;
    rows = rows.filter(({ id }) => id !== one.id);
    draw();
    const near = rows[Math.min(place, rows.length - 1)];
    (near ? $(`li[data-id="${CSS.escape(near.id)}"] a`, list) : $("#begin")).focus();
    toast(t("The conversation is deleted."));
    erased(one.id);
  }

  // A conversation that is new, was gone on with or has another name.
  function put(one) {
    const known = rows.find(({ id }) => id === one.id);
    const isNewer = !known || known.updated_at < one.updated_at;
    rows = isNewer ? [{ ...known, ...one }, ...rows.filter((each) => each !== known)]
      : rows.map((each) => (each === known ? { ...known, ...one } : each));
    draw();
  }

  for (const [name, deed] of [["rename", rename], ["erase", erase]]) {
    $(`[data-deed="${name}"]`, menu).onclick = () => { menu.hidePopover(); deed(chosen); };
  }
  for (const link of $$("a", menu)) link.onclick = () => { setTimeout(() => menu.hidePopover()); };
  more.onclick = () => load(next).catch(failed);
  search.oninput = () => {
    clearTimeout(timer);
    timer = setTimeout(() => { sought = search.value.trim(); load().catch(failed); }, PAUSE);
  };
  return {
    load, put, rename, tells,
    mark(id) { current = id; draw(); },
  };
}

function aged(iso) {
  const today = new Date().setHours(0, 0, 0, 0), at = new Date(iso).getTime();
  if (at >= today) return t("Today");
  if (at >= today - DAY) return t("Yesterday");
  return at >= today - 7 * DAY ? t("Last seven days") : t("Earlier");
}
