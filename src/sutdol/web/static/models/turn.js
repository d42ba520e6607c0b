// A turn of the loop as it goes on: asked for, followed stage by stage, and what it came to.
import { get, post } from "../api.js";
import { badge, fill, h } from "../dom.js";
import { follow } from "../live.js";
import { field, question } from "../talk.js";
import { number, t } from "../words.js";

const STAGES = [
  ["snapshot", t("Freeze what there is to learn")],
  ["train", t("Train a challenger")],
  ["evaluate", t("Score both on the exam and decide")],
  ["promote", t("Promote")],
];
const KNOWN = [
  [/learned from all there is|nothing new to learn/, t("There is nothing new to learn: fight a battle or review feedback first.")],
];

// Where turns of a role are shown; `over` is called when one has ended.
export function turns(role, { over }) {
  const steps = h("ol", { class: "steps plain" }), line = h("span"), said = h("p", { role: "status" });
  const title = h("h3", { id: `turn-${role}`, tabIndex: -1 });
  const hide = () => { element.hidden = true; };
  const close = h("button", { type: "button", class: "quiet", hidden: true, onclick: hide }, t("Hide"));
  const element = h("section", { class: "card turn", "aria-labelledby": title.id, hidden: true },
    h("header", {}, h("div", { class: "row" }, title, line), close), steps, said);
  let shown = null;

  function draw(reached, state) {
    fill(steps, STAGES.map(([name, text], index) => {
      const where = index < reached ? "done" : index === reached && state === "running" ? "now" : "open";
      return h("li", { class: where, "aria-current": where === "now" ? "step" : null }, text,
        where === "done" ? h("span", { class: "unseen" }, ` (${t("done")})`) : null);
    }));
  }

  function watch(flow, { dry = false, events = `/api/v1/flows/${encodeURIComponent(flow)}/events` } = {}) {
    if (shown === flow) return;
    shown = flow;
    let reached = -1;
    element.hidden = false;
    close.hidden = true;
    fill(title, dry ? t("A dry run") : t("Improving"));
    fill(line, badge("waiting"));
    fill(said, t("It waits for a worker; `sutdol up` brings one along."));
    draw(-1, "waiting");
    follow(events, {
      event: (kind, body) => {
        if (kind === "end") return end(body);
        if (kind !== "stage") return;
        const at = STAGES.findIndex(([name]) => name === body.stage);
        if (body.stage === "wait") return fill(said, t("It waits until another turn is over."));
        if (at < 0) return;
        reached = Math.max(reached, at);
        fill(line, running());
        draw(reached, "running");
        fill(said, STAGES[reached][1], "…");
      },
      state: (word) => {
        if (word === "stale") fill(line, h("span", { class: "badge live warn" }, t("Reconnecting")));
        if (word === "live") fill(line, reached < 0 ? badge("waiting") : running());
      },
    });

    function end({ state, result, error }) {
      shown = null;
      close.hidden = false;
      fill(line, badge(state));
      const all = STAGES.length - (result?.promoted ? 0 : 1);
      draw(state === "done" && result?.verdict ? all : reached, state);
      fill(said, ...outcome(role, { state, result, error, dry }));
      over();
    }
  }

  async function ask(examples, look) {
    let asked = null, dry = false;
    const box = h("input", { type: "checkbox", name: "dry_run", "aria-describedby": "dry-hint" });
    await question({
      title: t("Improve now?"),
      text: [
        t("A challenger learns from all {n} examples, and the gate decides whether it becomes champion.",
          { n: examples }),
        t("It costs one look: the gate may spend {alpha} on it.", { alpha: number(look.next_alpha, 4) }),
      ],
      action: t("Improve"),
      fields: [h("div", { class: "field" },
        h("label", { class: "tick" }, box, " ", t("Dry run")),
        h("small", { id: "dry-hint" }, t("Promotes nothing, but costs the look all the same.")))],
      deed: async (given) => {
        dry = Boolean(given.dry_run);
        asked = await post(`/api/v1/models/${encodeURIComponent(role)}/improve`, { dry_run: dry });
      },
    });
    if (!asked) return;
    watch(asked.id, { events: asked.events, dry: dry && !asked.following });
    title.focus();
  }

  // The turn that is under way already, whoever asked for it.
  async function find() {
    const going = (await get("/api/v1/flows?kind=cycle&limit=5")).data
      .find((one) => one.args.role === role && ["waiting", "running", "orphaned"].includes(one.state));
    if (going) watch(going.id, { dry: Boolean(going.args.dry_run) });
  }

  return { element, ask, find };
}

function became({ promoted, decision }, dry) {
  if (promoted) return t("The challenger is champion now.");
  if (dry && decision === "promote") return t("It would have been promoted; a dry run changes nothing.");
  return t("The champion stays.");
}

const running = () => h("span", { class: "badge live on accent" }, t("running"));

function outcome(role, { state, result, error, dry }) {
  if (state === "done" && result?.busy) return [t("Another turn is under way: {flow}.", { flow: result.busy })];
  if (state !== "done") {
    const known = KNOWN.find(([pattern]) => pattern.test(error ?? ""));
    return [known ? known[1] : h("span", { lang: "en" }, error ?? state)];
  }
  return [
    badge(result.decision), " ",
    became(result, dry), " ",
    h("a", { href: `/models/${role}/verdicts/${result.verdict}` }, t("Read the verdict")),
  ];
}
