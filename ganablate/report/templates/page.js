"use strict";
// Click once: ascending; twice: descending; three times: as it was. Missing numbers stay last.
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[1];
  const original = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  const next = {none: "ascending", ascending: "descending", descending: "none"};
  heads.forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => {
      const order = next[head.getAttribute("aria-sort")];
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", order);
      const sign = order === "descending" ? -1 : 1;
      const value = (row) => row.cells[column].dataset.sort;
      const compare = "numeric" in head.dataset
        ? (a, b) => Number(a) - Number(b)
        : (a, b) => a.localeCompare(b, "en", {numeric: true});
      const rows = [...original];
      if (order !== "none") {
        rows.sort((a, b) => {
          const [left, right] = [value(a), value(b)];
          if (left === "" || right === "") return (left === "") - (right === "");
          return sign * compare(left, right);
        });
      }
      body.append(...rows);
    });
  });
}
// On paper nothing can be opened.
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
