// Roles of people: what each may do, from the least to the most.
import { named } from "./dom.js";
import { t } from "./words.js";

const MEANS = {
  user: t("asks, moderates, gives feedback"),
  reviewer: t("decides feedback too"),
  operator: t("runs battles and models, sees all usage too"),
  admin: t("lets people in, hands out keys, sees settings too"),
};
export const ROLES = Object.keys(MEANS);
export const means = (role) => MEANS[role];
export const upTo = (...most) => ROLES.slice(0, Math.min(...most.map((one) => ROLES.indexOf(one))) + 1);

// The options of a select, each with what it means.
export const options = (roles) => roles.map((role) => [role, `${named(role)}: ${MEANS[role]}`]);
