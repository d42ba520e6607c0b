// What the doctor found: what there is, what is missing, and what is broken.
import { get } from "../api.js";
import { line } from "./doctor-words.js";
import { $, badge, fill } from "../dom.js";
import { busy } from "../talk.js";
import { table } from "../table.js";
import { moment, t } from "../words.js";

const GRAVE = ["broken", "absent", "ok"];
const columns = [
  { title: t("What"), show: (one) => line(one).name, value: (one) => line(one).name },
  { title: t("State"), show: (one) => badge(one.state), value: (one) => GRAVE.indexOf(one.state) },
  { title: t("Found"), show: (one) => line(one).text },
];

function summary({ data, at }) {
  const n = data.filter((one) => one.state === "broken").length;
  const found = n ? t("{n} thing is broken.|{n} things are broken.", { n }) : t("Nothing is broken.");
  return `${found} ${t("Checked: {at}", { at: moment(at) })}`;
}

async function look(shown) {
  const state = $("#doctor-state");
  fill(state, t("Looking…"));
  try {
    const found = await get("/api/v1/doctor");
    shown.set(found.data);
    $("#doctor").replaceChildren(shown.element);
    fill(state, summary(found));
  } catch (error) {
    fill(state, t("The check did not end."));
    throw error;
  }
}

export function doctor() {
  const shown = table({ caption: t("What the doctor found"), columns }), button = $("#look");
  shown.element.classList.add("card", "named");
  button.onclick = () => busy(button, () => look(shown));
  busy(button, () => look(shown)); // it may take seconds: nobody waits for it to see the page
}
