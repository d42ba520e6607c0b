// A table whose rows are all there.
import { $ } from "../dom.js";
import { table } from "../table.js";

export function listed({ rows, ...how }) {
  const made = table(how);
  made.set(rows);
  return how.filter ? made.element : $(".scroll", made.element);
}
