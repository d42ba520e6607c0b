// The style page: every part that pages are made of, in both themes.
import { $, $$, fill, h } from "../dom.js";
import { quality, series } from "./charts.js";
import * as samples from "./samples.js";
import { talk } from "./talk.js";
import { t } from "../words.js";

const drawn = { ...samples, quality: quality.draw, charts: series };
const pane = (theme, name, sample) => h("div",
  { class: "pane", "data-theme": theme, role: "group", "aria-label": name },
  h("p", { class: "pane-name" }, name), drawn[sample](name));

for (const place of $$("[data-sample]")) {
  const { sample } = place.dataset;
  fill(place, pane("light", t("Light"), sample), pane("dark", t("Dark"), sample));
}
const link = (section) => h("a", { href: `#${section.id}` }, $("h2", section).textContent);
fill($("#parts"), $$("main > section").map((one) => h("li", {}, link(one))));
fill($("#talk"), talk());
$("#grow").onclick = () => quality.grow();
$("main").ariaBusy = "false";
