// The rater counts tones, which shows that the sound is on.
import { data, element, show, text } from "./page.js";
import { post } from "./line.js";
import { form } from "./questions.js";

export async function sound(step, visit) {
  const player = element("audio", { src: `${data.root}/r/${data.rater}/tones.wav`, preload: "auto" });
  const wrong = element("p", { role: "alert", class: "wrong" });
  for (let tries = 1; ; tries += 1) {
    const play = element("button", { type: "button", click: () => ((player.currentTime = 0), player.play()) }, text("sound_play"));
    const question = { name: "tones", kind: "choice", text: text("sound_count"), options: ["0", ..."12345678"], several: false };
    const { root, answered } = form([{ ...question, options: question.options.slice(0, 8) }], { button: text("go_on") });
    show(
      element("h1", {}, text("sound_title")),
      element("p", {}, text("sound_text")),
      element("p", {}, play),
      tries > 1 ? wrong : null,
      root,
      player,
    );
    play.focus();
    const tones = Number((await answered).tones);
    player.pause();
    const answer = await post(`/r/${data.rater}/answers`, { tab: visit.tab, key: step.key, answers: { tones, tries } });
    if (answer.right) return;
    wrong.textContent = text("sound_wrong");
  }
}
