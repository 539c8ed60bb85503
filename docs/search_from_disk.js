// Browsers start no workers for pages that are opened from the disk; the worker of the search runs in a frame there.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(address) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.append(frame);
      const inside = frame.contentWindow;
      inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      const script = inside.document.createElement("script");
      script.src = new URL(address, location);
      this._loaded = new Promise((resolve) => script.addEventListener("load", resolve));
      inside.document.body.append(script);
      this._inside = inside;
    }

    postMessage(data) {
      this._loaded.then(() => this._inside.dispatchEvent(new MessageEvent("message", { data })));
    }
  };
}
