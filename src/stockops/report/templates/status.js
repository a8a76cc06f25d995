"use strict";
// Renew what is shown, in place: who reads keeps the place and what is open.
const every = Number(document.documentElement.dataset.everyMs);
const late = document.getElementById("late");
async function renew() {
  try {
    const answer = await fetch(location.href, {cache: "no-store", signal: AbortSignal.timeout(30000)});
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const open = new Set([...document.querySelectorAll("details[open]")].map((each) => each.id));
    for (const id of ["head", "main"]) {
      const fresh = page.getElementById(id);
      if (!fresh) throw new Error("no page");
      document.getElementById(id).replaceWith(fresh);
    }
    for (const each of document.querySelectorAll("details")) each.open = open.has(each.id);
    document.title = page.title;
    late.hidden = true;
    document.documentElement.dataset.renewed = Number(document.documentElement.dataset.renewed || 0) + 1;
  } catch (error) {
    late.hidden = false;
  }
  setTimeout(renew, every);
}
setTimeout(renew, every);
