// The link that all raters share: adds a rater, or continues as the rater who began on this device.
import { data, element, pressed, show, text } from "./page.js";
import { post, Refusal } from "./line.js";

const KEY = `avcues-${data.study}`;

async function join() {
  const heading = element("h1", { dir: "auto" }, data.title);
  const startButton = element("button", { type: "button", class: "main" }, text("begin"));
  const earlierRater = data.outside_id ? null : localStorage.getItem(KEY);
  if (earlierRater) {
    const sameButton = element("button", { type: "button", class: "main" }, text("go_on_here"));
    const otherButton = element("button", { type: "button" }, text("other_person"));
    show(heading, element("p", {}, text("back_again")), element("p", { class: "buttons" }, sameButton, otherButton));
    if ((await Promise.race([pressed(sameButton).then(() => "same"), pressed(otherButton).then(() => "other")])) === "same") {
      location.replace(`${data.root}/r/${earlierRater}`);
      return;
    }
  } else {
    show(heading, element("p", { class: "quiet" }, text("keep_address")), startButton);
    startButton.focus();
    await pressed(startButton);
  }
  try {
    const { rater } = await post(location.pathname.slice(data.root.length), { outside_id: data.outside_id });
    localStorage.setItem(KEY, rater);
    location.replace(`${data.root}/r/${rater}`);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    show(heading, element("p", { role: "alert" }, text(error.code === "no-place" ? "no_place" : "removed")));
  }
}

join();
