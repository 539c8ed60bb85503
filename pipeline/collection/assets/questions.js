// Questions of every kind, as a form.
import { element, text } from "./page.js";
import { figure } from "./pictograms.js";

let ids = 0;

/** A form; `answered` resolves with the answers by name when all required fields are filled. */
export function form(questions, { button, extra = [] }) {
  const fields = questions.map((question) => KINDS[question.kind](question));
  const submit = element("button", { type: "submit", class: "main" }, button);
  const root = element("form", { novalidate: true }, ...fields.map((field) => field.root), ...extra.map((part) => part.root), submit);
  const answered = new Promise((done) => {
    root.addEventListener("submit", (event) => {
      event.preventDefault();
      const all = [...fields, ...extra];
      const faults = all.map((field) => field.fault());
      all.forEach((field, i) => field.showFault(faults[i]));
      const firstFault = faults.findIndex(Boolean);
      if (firstFault >= 0) {
        all[firstFault].focus();
        return;
      }
      submit.disabled = true;
      const answers = {};
      fields.forEach((field, i) => {
        const value = field.value();
        if (value !== null) answers[questions[i].name] = value;
      });
      done(answers);
    });
  });
  return { root, answered };
}

/** The parts that fields of all kinds share: a caption, and a line for the fault. */
function field(question, { value, fault, body, first, group = true }) {
  const id = `q${(ids += 1)}`;
  const wrong = element("p", { class: "wrong", id: `${id}-wrong`, role: "alert" });
  const root = element(
    group ? "fieldset" : "div",
    { class: `question ${question.kind ?? ""}`, "aria-describedby": group ? `${id}-wrong` : null },
    group ? element("legend", { dir: "auto" }, question.text) : element("label", { for: id, dir: "auto" }, question.text),
    body(id),
    wrong,
  );
  return {
    root,
    value,
    fault: () => fault?.() || (question.required !== false && value() === null ? text("required") : ""),
    showFault: (words) => {
      wrong.textContent = words;
    },
    focus: () => (first?.() ?? root.querySelector("input, textarea, select, button"))?.focus(),
  };
}

function options(id, type, choices, { selected = () => {}, className = "options" } = {}) {
  return element(
    "div",
    { class: className },
    ...choices.map(({ value, content }) =>
      element(
        "label",
        { class: "option" },
        element("input", { type, name: id, value, change: (event) => selected(value, event.target.checked) }),
        ...(Array.isArray(content) ? content : [element("span", { dir: "auto" }, content)]),
      ),
    ),
  );
}

const choice = (question) => {
  const chosen = new Set();
  return field(question, {
    value: () => {
      const inOrder = question.options.filter((option) => chosen.has(option));
      return inOrder.length ? (question.several ? inOrder : inOrder[0]) : null;
    },
    body: (id) => {
      if (!question.several && question.options.length > 8) {
        return element(
          "select",
          { id, change: (event) => (chosen.clear(), event.target.value && chosen.add(event.target.value)) },
          element("option", { value: "" }, "–"),
          ...question.options.map((option) => element("option", { value: option }, option)),
        );
      }
      const choices = question.options.map((option) => ({ value: option, content: option }));
      return options(id, question.several ? "checkbox" : "radio", choices, {
        selected: (value, on) => {
          if (!question.several) chosen.clear();
          if (on) chosen.add(value);
          else chosen.delete(value);
        },
      });
    },
  });
};

const yesNo = (question) => {
  let answer = null;
  const choices = [
    { value: "yes", content: text("yes") },
    { value: "no", content: text("no") },
  ];
  return field(question, {
    value: () => answer,
    body: (id) => options(id, "radio", choices, { selected: (value) => (answer = value === "yes") }),
  });
};

const number = (question) => {
  let input;
  return field(question, {
    group: false,
    value: () => (input.value === "" || Number.isNaN(input.valueAsNumber) ? null : input.valueAsNumber),
    fault: () => {
      const value = input.valueAsNumber;
      const outside = input.value !== "" && !(value >= question.low && value <= question.high);
      return outside || input.validity.badInput ? `${question.low} – ${question.high}` : "";
    },
    body: (id) => {
      input = element("input", {
        id,
        type: "number",
        min: question.low,
        max: question.high,
        step: "any",
        inputmode: "decimal",
        "aria-describedby": `${id}-wrong`,
      });
      return input;
    },
  });
};

const words = (question) => {
  let input;
  return field(question, {
    group: false,
    value: () => input.value.trim() || null,
    body: (id) => {
      const attributes = { id, maxlength: question.longest, dir: "auto", "aria-describedby": `${id}-wrong` };
      input = element(question.longest > 100 ? "textarea" : "input", { ...attributes, rows: 3 });
      return input;
    },
  });
};

const scale = (question) => {
  let answer = null;
  const count = Math.round((question.high - question.low) / question.step) + 1;
  const values = Array.from({ length: count }, (_, i) => Number((question.low + i * question.step).toPrecision(12)));
  const ends = () =>
    question.low_text || question.high_text
      ? element(
          "div",
          { class: "ends" },
          element("span", { dir: "auto" }, question.low_text),
          element("span", { dir: "auto" }, question.high_text),
        )
      : "";
  return field(question, {
    value: () => answer,
    body: (id) => {
      if (question.shown === "slider") {
        const shown = element("output", { for: id });
        const slider = element("input", {
          id,
          type: "range",
          class: "untouched",
          min: question.low,
          max: question.high,
          step: question.step,
          "aria-label": question.text,
        });
        const take = () => {
          answer = Number(slider.value);
          slider.classList.remove("untouched");
          shown.textContent = slider.value;
        };
        for (const name of ["input", "pointerdown", "keydown"]) {
          slider.addEventListener(name, (event) => event.key === "Tab" || setTimeout(take));
        }
        return element("div", { class: "slider", dir: "ltr" }, slider, shown, ends());
      }
      const pictures = question.shown === "pictograms";
      const choices = values.map((value, i) => ({
        value,
        content: pictures
          ? [figure(question.pictograms, i), element("span", {}, String(value))]
          : [element("span", {}, String(value))],
      }));
      return element(
        "div",
        { class: "scale", dir: "ltr" },
        options(id, "radio", choices, { selected: (value) => (answer = value), className: pictures ? "pictures" : "points" }),
        ends(),
      );
    },
  });
};

const labels = (question) => {
  const chosen = new Set();
  const boxes = new Map();
  let own = null;
  const ownWord = () => own?.value.trim() ?? "";
  const chosenLabels = () => [...boxes.keys()].filter((label) => chosen.has(label));
  const exclude = (label) => {
    // Choosing an exclusive label, such as "neutral", deselects the others, and vice versa.
    const isExclusive = question.alone.includes(label);
    for (const [other, box] of boxes) {
      if (other !== label && chosen.has(other) && (isExclusive || question.alone.includes(other))) {
        chosen.delete(other);
        box.checked = false;
      }
    }
    if (isExclusive && own) own.value = "";
  };
  return field(question, {
    value: () => ({ labels: chosenLabels(), free: ownWord() }),
    fault: () => {
      const count = chosen.size + (ownWord() ? 1 : 0);
      if (question.required && count < question.at_least) return text("choose", { least: question.at_least });
      return count > question.at_most ? text("choose_most", { most: question.at_most }) : "";
    },
    body: (id) => {
      const parts = [];
      let above = "";
      let block = null;
      for (const group of question.groups) {
        if (!block || group.above !== above) {
          above = group.above;
          block = element("div", { class: "labels" });
          if (above) parts.push(element("h2", { dir: "auto" }, above));
          parts.push(block);
        }
        const choices = group.labels.map((label) => ({ value: label, content: label }));
        const list = options(id, "checkbox", choices, {
          selected: (label, on) => {
            if (on) chosen.add(label);
            else chosen.delete(label);
            if (on) exclude(label);
          },
        });
        list.querySelectorAll("input").forEach((box) => boxes.set(box.value, box));
        block.append(
          element("div", { class: group.title ? "group" : "group untitled", role: "group", "aria-label": group.title || null }, group.title ? element("h3", { dir: "auto" }, group.title) : "", list),
        );
      }
      if (question.free) {
        own = element("input", { id: `${id}-own`, maxlength: 80, dir: "auto", autocomplete: "off" });
        own.addEventListener("input", () => {
          for (const label of ownWord() ? question.alone : []) {
            chosen.delete(label);
            boxes.get(label).checked = false;
          }
        });
        parts.push(element("div", { class: "own" }, element("label", { for: `${id}-own` }, text("own_word")), own));
      }
      return element("div", {}, ...parts);
    },
  });
};

const KINDS = { choice, "yes-no": yesNo, number, words, scale, labels };

/** The checkbox with which a rater consents. */
export function consent() {
  let box;
  return field(
    { text: "", required: true },
    {
      group: false,
      value: () => (box.checked ? true : null),
      fault: () => (box.checked ? "" : text("consent_needed")),
      body: (id) => {
        box = element("input", { type: "checkbox", id });
        return element("label", { class: "option", for: id }, box, element("span", {}, text("consent")));
      },
    },
  );
}
