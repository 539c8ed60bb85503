// The link that all raters get: makes a rater, or goes on as the one who began on this device.
import { data, element, pressed, show, text } from "./page.js";
import { post, Refusal } from "./line.js";

const KEY = `avcues-${data.study}`;

async function join() {
  const heading = element("h1", { dir: "auto" }, data.title);
  const begin = element("button", { type: "button", class: "main" }, text("begin"));
  const before = data.outside ? null : localStorage.getItem(KEY);
  if (before) {
    const here = element("button", { type: "button", class: "main" }, text("go_on_here"));
    const other = element("button", { type: "button" }, text("other_person"));
    show(heading, element("p", {}, text("back_again")), element("p", { class: "buttons" }, here, other));
    if ((await Promise.race([pressed(here).then(() => "same"), pressed(other).then(() => "other")])) === "same") {
      location.replace(`${data.root}/r/${before}`);
      return;
    }
  } else {
    show(heading, element("p", { class: "quiet" }, text("keep_address")), begin);
    begin.focus();
    await pressed(begin);
  }
  try {
    const { rater } = await post(location.pathname.slice(data.root.length), { outside: data.outside });
    localStorage.setItem(KEY, rater);
    location.replace(`${data.root}/r/${rater}`);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    show(heading, element("p", { role: "alert" }, text(error.code === "no-place" ? "no_place" : "removed")));
  }
}

join();
