// A page with one message.
import { data, element, show, text } from "./page.js";

show(element("p", { role: "alert" }, text(data.message)));
