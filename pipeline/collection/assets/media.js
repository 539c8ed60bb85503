// Loads a clip before it plays.
import { data, text } from "./page.js";

const MB = 1e6;

/** Loads a clip into memory, so that it plays without a connection, unless it is very large; resolves with its address. */
export async function loadClip(clip, onProgress) {
  const address = `${data.root}/r/${data.rater}/${clip.address}`;
  if (clip.bytes > data.checks.stream_above_mb * MB) return { address, free: () => {} };
  for (let tries = 0; ; tries += 1) {
    try {
      const blob = await download(address, clip, onProgress);
      const local = URL.createObjectURL(blob);
      return { address: local, free: () => URL.revokeObjectURL(local) };
    } catch (error) {
      if (tries >= 20) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.min(5000, 500 * 1.5 ** tries)));
    }
  }
}

async function download(address, clip, onProgress) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(String(response.status));
  const parts = [];
  let size = 0;
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    size += value.length;
    onProgress(Math.floor((size / clip.bytes) * 100));
  }
  if (size !== clip.bytes) throw new Error("incomplete");
  return new Blob(parts, { type: clip.kind });
}

/** Resolves when an element can play to its end; rejects with a reason if it cannot play at all. */
export function untilPlayable(player) {
  return new Promise((resolve, reject) => {
    player.addEventListener("canplaythrough", resolve, { once: true });
    player.addEventListener("error", () => reject(new Error(reason(player))), { once: true });
    player.load();
  });
}

export function reason(player) {
  return player.error ? `${player.error.code} ${player.error.message}`.trim() : text("clip_failed", { reason: "" });
}
