// A page that says one thing.
import { data, element, show, text } from "./page.js";

show(element("p", { role: "alert" }, text(data.message)));
